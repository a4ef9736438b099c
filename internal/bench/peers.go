//go:build bench

package main

import (
	"fmt"
	"os"
)

// The peers use the releases of our store, so that only their own work counts.

func (b *bench) write(name, text string) error {
	if err := os.MkdirAll(b.path(name, ".."), 0o755); err != nil {
		return err
	}
	return os.WriteFile(b.path(name), []byte(text), 0o644)
}

func (b *bench) direnvProjects(direnv string) error {
	for name, version := range map[string]string{"a": release, "b": otherRelease} {
		text := fmt.Sprintf("export GOROOT=%s\nexport GOPATH=$PWD/.gopath\nPATH_add \"$GOROOT/bin\"\nPATH_add \"$GOPATH/bin\"\n", b.path("store", version))
		if err := b.write("direnv/"+name+"/.envrc", text); err != nil {
			return err
		}
		if err := b.command(direnv, "allow", b.path("direnv", name, ".envrc")).Run(); err != nil {
			return err
		}
	}
	return nil
}

// miseProjects takes releases from our store by link, mise's way to use what
// it did not install.
func (b *bench) miseProjects(mise string) error {
	for name, version := range map[string]string{"a": release, "b": otherRelease} {
		if err := b.write("mise/"+name+"/mise.toml", fmt.Sprintf("[tools]\ngo = %q\n", version)); err != nil {
			return err
		}
		if err := b.command(mise, "trust", "-q", b.path("mise", name, "mise.toml")).Run(); err != nil {
			return err
		}
		link := b.command(mise, "link", "-f", "go@"+version, b.path("store", version))
		link.Stderr = os.Stderr
		if err := link.Run(); err != nil {
			return err
		}
	}
	return nil
}
