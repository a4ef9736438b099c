package cmd

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
)

// envFormat returns changes of the environment in a form that a program other
// than a shell reads. None of the forms can unset a variable: a variable to unset
// is written as empty, which the go command treats alike.
type envFormat func(name, value string) (line string, ok bool)

// envFormats are the forms by their names for `vmgo env --shell`.
func envFormats() map[string]envFormat {
	return map[string]envFormat{"dotenv": dotenvLine, "systemd": systemdLine, "docker": dockerLine}
}

// write returns a line for each change, or an error that names what the form
// cannot carry.
func (f envFormat) write(form string, changes []environ.Change) (string, error) {
	var text strings.Builder
	for _, change := range changes {
		line, ok := f(change.Name, change.Value.Text)
		if !ok {
			return "", diag.New(diag.Failure, "a file for "+form+" cannot hold the value of "+change.Name+": "+diag.Word(change.Value.Text), "vmgo env --shell json")
		}
		text.WriteString(line + "\n")
	}
	return text.String(), nil
}

// dotenvLine quotes so that docker compose, node's dotenv and python-dotenv read
// the same: single quotes take all but themselves literally.
func dotenvLine(name, value string) (string, bool) {
	switch {
	case isPlain(value):
		return name + "=" + value, true
	case strings.ContainsAny(value, "'\r\n\x00"):
		return "", false
	}
	return name + "='" + value + "'", true
}

func isPlain(value string) bool {
	return strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:-,+@%=") == ""
}

// systemdLine is for EnvironmentFile=, systemd.exec(5): nothing is expanded
// there, and within double quotes a backslash takes away the meaning of four.
func systemdLine(name, value string) (string, bool) {
	if strings.ContainsAny(value, "\r\n\x00") {
		return "", false
	}
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace(value)
	return name + `="` + escaped + `"`, true
}

// dockerLine is for docker run --env-file, which knows no quotes.
func dockerLine(name, value string) (string, bool) {
	return name + "=" + value, !strings.ContainsAny(value, "\r\n\x00")
}

// envGitHub appends to the files by which a step of GitHub Actions changes the
// environment of the next ones.
func (a *app) envGitHub(changes []environ.Change) error {
	envFile, pathFile := a.host.Env["GITHUB_ENV"], a.host.Env["GITHUB_PATH"]
	if envFile == "" || pathFile == "" {
		return diag.New(diag.Usage, "GITHUB_ENV and GITHUB_PATH are not set: this is not a step of GitHub Actions", "vmgo env --shell dotenv")
	}
	var env, path strings.Builder
	for _, change := range changes {
		if change.Name == "PATH" {
			for _, dir := range added(a.host.Env["PATH"], change.Value.Text) {
				if strings.ContainsAny(dir, "\r\n") {
					return diag.New(diag.Failure, "GITHUB_PATH cannot hold the directory "+diag.Word(dir), "vmgo env --shell json")
				}
				path.WriteString(dir + "\n")
			}
			continue
		}
		// The delimiter is random, so no value can end early and set more variables.
		end := "vmgo_" + rand.Text()
		env.WriteString(change.Name + "<<" + end + "\n" + change.Value.Text + "\n" + end + "\n")
	}
	if err := appendTo(envFile, env.String()); err != nil {
		return err
	}
	return appendTo(pathFile, path.String())
}

// added returns the directories of a PATH that another one lacks, the last one
// first: each line of GITHUB_PATH goes before those above it.
func added(outside, path string) []string {
	had := filepath.SplitList(outside)
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool { return slices.Contains(had, dir) })
	slices.Reverse(dirs)
	return dirs
}

// appendTo adds text to a file in one write.
func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot write "+path)
	}
	_, err = file.WriteString(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot write "+path)
	}
	return nil
}
