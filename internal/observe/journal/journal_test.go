package journal

import (
	"strings"
	"testing"
	"time"
)

const export = `{"__REALTIME_TIMESTAMP":"1764300000200000","MESSAGE":"second","PRIORITY":"3","_PID":"7","TRACE_ID":"abc","CODE_FILE":"main.go","CODE_LINE":"12","ORDER":"5","SYSLOG_IDENTIFIER":"app"}
{"__REALTIME_TIMESTAMP":"1764300000900000","_SOURCE_REALTIME_TIMESTAMP":"1764300000100000","MESSAGE":[104,105,255],"TOOK":"1.5s"}
no JSON
{"MESSAGE":"no time"}
{"__REALTIME_TIMESTAMP":"1764300000300000","MESSAGE":null,"ORDER":["a","b"],"DURATION_MS":"20"}`

func TestRead(t *testing.T) {
	t.Parallel()
	lines, dropped := Read(strings.NewReader(export))
	if len(lines) != 3 || dropped != 0 {
		t.Fatalf("%+v", lines)
	}
	if l := lines[0]; l.Message != "hi\uFFFD" || l.Priority != 6 || l.Took() != 1500*time.Millisecond || !l.Time.Equal(time.UnixMicro(1764300000100000)) {
		t.Errorf("%+v", l)
	}
	if l := lines[1]; l.TraceID != "abc" || l.Place != "main.go:12" || l.Priority != 3 || len(l.Fields) != 1 || l.Fields["ORDER"] != "5" {
		t.Errorf("%+v", l)
	}
	if l := lines[2]; l.Message != "" || l.Fields["ORDER"] != "a" || l.Took() != 20*time.Millisecond {
		t.Errorf("%+v", l)
	}
	many := strings.Repeat(`{"__REALTIME_TIMESTAMP":"1","MESSAGE":"x"}`+"\n", MaxLines+3)
	if lines, dropped := Read(strings.NewReader(many)); len(lines) != MaxLines || dropped != 3 {
		t.Errorf("%d lines, %d dropped", len(lines), dropped)
	}
	long := `{"__REALTIME_TIMESTAMP":"1","MESSAGE":"` + strings.Repeat("ä", maxMessage) + `"}`
	if lines, _ := Read(strings.NewReader(long)); len(lines) != 1 || len(lines[0].Message) > maxMessage+10 {
		t.Error("a long message stays long")
	}
}
