package docs

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ topic, locale, begins, has string }{
		{"errors", "C", "# Errors\n", "\n## usage\n"},
		{"performance.md", "zh_CN.UTF-8", "# Performance\n", "direnv"}, // not in Chinese
		{"hook.md", "zh_CN.UTF-8", "# 钩子与 shim\n", "VMGO_SHOW"},
		{"unproven", "en_US.UTF-8", "## unproven\n\nExit 5. ", "--reinstall"},
		{"unproven", "zh_CN.UTF-8", "## unproven\n\n退出码 5。", "--reinstall"},
		{"interrupted", "C", "## interrupted\n", "130"}, // the last of its page
		{"machine.swap", "C", "`machine.swap`\n\nlooks at: ", "/proc/swaps"},
		{"machine.clock-skew", "zh_CN", "`machine.clock-skew`（联网）\n\n看什么：", "HTTPS"},
		{"inotify", "zh", "### inotify\n", "524288"},
		{"VMGO_GOPATH", "zh_CN", "`VMGO_GOPATH`\n\n含义：", "默认值：`project`"},
	} {
		text, found := Find(c.topic, c.locale)
		if !found || !strings.HasPrefix(text, c.begins) || !strings.Contains(text, c.has) || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s in %s: %v\n%s", c.topic, c.locale, found, text)
		}
		if strings.Contains(text, "<!--") || strings.HasPrefix(text, "##") && strings.Count(text, "\n#") > 0 {
			t.Errorf("%s has a comment, or the section after it:\n%s", c.topic, text)
		}
	}
	for _, topic := range []string{"", "no-such-topic", "check", "Words", "---"} {
		if text, found := Find(topic, "C"); found {
			t.Errorf("%q is found:\n%s", topic, text)
		}
	}
}
