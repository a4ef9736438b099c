package passwd_test

import (
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/passwd"
)

func TestParse_leavesOutWhatIsNoAccount(t *testing.T) {
	t.Parallel()
	got := passwd.Parse("root:x:0:0:root:/root:/bin/sh\n# comment\n\nann:x:1000:100:Ann,,,:/home/ann:/bin/zsh\n" +
		"short:x:1:1:/\nlong:x:1:1::/:/bin/sh:x\n:x:5:5::/:\nbad:x:one:1::/:/bin/sh\nless:x:-1:0::/:/bin/sh\n+::::::\n" +
		"again:x:1000:100::/elsewhere:\nlast:x:7:7::/last:")
	want := []passwd.Account{
		{"root", 0, 0, "/root", "/bin/sh"}, {"ann", 1000, 100, "/home/ann", "/bin/zsh"}, {"again", 1000, 100, "/elsewhere", ""}, {"last", 7, 7, "/last", ""},
	}
	if !slices.Equal(got, want) {
		t.Errorf("accounts %+v, want %+v", got, want)
	}
	if ann, found := passwd.ByUID(got, 1000); !found || ann.Name != "ann" {
		t.Errorf("user 1000 is %+v", ann)
	}
	if _, found := passwd.ByUID(got, 1001); found {
		t.Error("there is no user 1001")
	}
}
