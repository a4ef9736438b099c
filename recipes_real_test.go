package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// recipe returns the first block of code below a heading of docs/editors.md.
func recipe(t *testing.T, heading, language string) string {
	t.Helper()
	page, err := os.ReadFile("docs/editors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## "+heading+"\n")
	_, section, found := strings.Cut(section, "```"+language+"\n")
	if !found {
		t.Fatalf("docs/editors.md has no %s for %s", language, heading)
	}
	code, _, _ := strings.Cut(section, "```")
	return code
}

const neovimSession = `
local dir = vim.fn.getcwd()
vim.cmd("edit main.go")
local id = vim.lsp.start_client({ cmd = { "gopls" }, root_dir = dir })
vim.lsp.buf_attach_client(0, id)
vim.wait(300000, function() return vim.lsp.get_client_by_id(id).initialized end)
local question = { textDocument = { uri = vim.uri_from_bufnr(0) }, position = { line = 6, character = 6 } }
for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/definition", question, 300000)) do
  io.stdout:write("definition: " .. answer.result[1].uri .. "\n")
end
vim.cmd("qa!")
`

const emacsSession = `
(setq eglot-connect-timeout 300 eglot-sync-connect t jsonrpc-default-request-timeout 300)
(find-file "main.go")
(apply #'eglot--connect (eglot--guess-contact))
(search-forward "fmt.Println")
(backward-char)
(setq jsonrpc-default-request-timeout 300)
(let ((found (car (xref-backend-definitions 'eglot (xref-backend-identifier-at-point 'eglot)))))
  (princ (format "definition: file://%s\n" (xref-location-group (xref-item-location found)))))
(princ (shell-command-to-string "go env GOVERSION"))
(eglot-shutdown (eglot-current-server))
`

// recipes follows the recipes of docs/editors.md in each editor that is here,
// started in a project from a shell that another release is selected in.
func (k toolbox) recipes(dir, release, other string) {
	k.t.Helper()
	shims := k.base + "/home/.local/bin"
	if err := os.MkdirAll(shims, 0o755); err != nil {
		k.t.Fatal(err)
	}
	_ = os.Symlink(k.base+"/bin/vmgo-shim", shims+"/go")
	script := filepath.Join(k.base, dir, "session")
	neovim := []string{"nvim", "--headless", "-u", script, "-i", "NONE"}
	emacs := []string{"emacs", "--batch", "--eval", "(package-initialize)", "--eval", "(require 'eglot)", "--eval", "(require 'go-mode)", "-l", script}
	for _, editor := range []struct {
		argv []string
		text string
	}{
		{neovim, recipe(k.t, "Neovim", "lua") + neovimSession},
		{emacs, recipe(k.t, "Emacs", "elisp") + emacsSession},
	} {
		if _, err := exec.LookPath(editor.argv[0]); err != nil {
			k.t.Log("the recipe is not followed: ", err)
			continue
		}
		file := script + map[string]string{"nvim": ".lua", "emacs": ".el"}[editor.argv[0]]
		for i, arg := range editor.argv {
			editor.argv[i] = strings.Replace(arg, script, file, 1)
		}
		if err := os.WriteFile(file, []byte(editor.text), 0o644); err != nil {
			k.t.Fatal(err)
		}
		cmd := exec.Command(editor.argv[0], editor.argv[1:]...)
		cmd.Dir = filepath.Join(k.base, dir)
		goroot := k.base + "/store/" + other
		cmd.Env = append(k.env, "GOROOT="+goroot, "PATH="+goroot+"/bin:"+k.base+"/home/go/bin:/usr/bin:/bin", "PWD="+cmd.Dir)
		out, err := cmd.CombinedOutput()
		if want := "definition: file://" + k.base + "/store/" + release + "/src/fmt/print.go"; err != nil || !strings.Contains(string(out), want) {
			k.t.Errorf("%s in a project of %s: %v: %s", editor.argv[0], release, err, out)
		}
	}
}
