package gover_test

import (
	goversion "go/version"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

func parse(t testing.TB, s string) gover.Version {
	t.Helper()
	v, err := gover.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return v
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, text, lang string
		release, pre   bool
		numbers        [3]int
	}{
		{"1.22.5", "1.22.5", "1.22", true, false, [3]int{1, 22, 5}},
		{"go1.22.5", "1.22.5", "1.22", true, false, [3]int{1, 22, 5}},
		{"1.22.0", "1.22.0", "1.22", true, false, [3]int{1, 22, 0}},
		{"1.22", "1.22", "1.22", false, false, [3]int{1, 22, -1}},
		{"1.21", "1.21", "1.21", false, false, [3]int{1, 21, -1}},
		{"1.21.0", "1.21.0", "1.21", true, false, [3]int{1, 21, 0}},
		{"1.20", "1.20", "1.20", true, false, [3]int{1, 20, 0}},
		{"1.20.0", "1.20", "1.20", true, false, [3]int{1, 20, 0}},
		{"1.20.14", "1.20.14", "1.20", true, false, [3]int{1, 20, 14}},
		{"1.20rc1", "1.20rc1", "1.20", true, true, [3]int{1, 20, -1}},
		{"1.23rc2", "1.23rc2", "1.23", true, true, [3]int{1, 23, -1}},
		{"go1.18beta1", "1.18beta1", "1.18", true, true, [3]int{1, 18, -1}},
		{"1", "1", "1", true, false, [3]int{1, 0, 0}},
		{"1.0", "1", "1", true, false, [3]int{1, 0, 0}},
		{"1.0.0", "1", "1", true, false, [3]int{1, 0, 0}},
		{"1.0.3", "1.0.3", "1", true, false, [3]int{1, 0, 3}},
		{"1.2.2", "1.2.2", "1.2", true, false, [3]int{1, 2, 2}},
		{"1.9.7", "1.9.7", "1.9", true, false, [3]int{1, 9, 7}},
		{"1.100.100", "1.100.100", "1.100", true, false, [3]int{1, 100, 100}},
		{"2.0.1", "2.0.1", "2", true, false, [3]int{2, 0, 1}},
		{"1.999999999", "1.999999999", "1.999999999", false, false, [3]int{1, 999999999, -1}},
	} {
		v := parse(t, test.in)
		if v.String() != test.text || v.Toolchain() != "go"+test.text || v.Lang().String() != test.lang {
			t.Errorf("Parse(%q) = %q, toolchain %q, language %q; want %q, language %q",
				test.in, v, v.Toolchain(), v.Lang(), test.text, test.lang)
		}
		if v.IsRelease() != test.release || v.IsPrerelease() != test.pre || v.IsZero() {
			t.Errorf("Parse(%q): release %t, prerelease %t, zero %t", test.in, v.IsRelease(), v.IsPrerelease(), v.IsZero())
		}
		if numbers := [3]int{v.Major(), v.Minor(), v.Patch()}; numbers != test.numbers {
			t.Errorf("Parse(%q) has numbers %v, want %v", test.in, numbers, test.numbers)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "go", "v1.22.5", "1.22.", "1.", ".1", "01.22", "1.022", "1.22.05", "1.22.5.1", "1.22.x", "1.x", "x",
		"1.9.2rc2", "1.22.0rc1", "1.22rc", "1.22rc01", "1.22rc1.1", "1.22-rc1", "1.22rc-1", "1.22RC1", "1.22alpha1", "1.22beta",
		"1.22.5 ", " 1.22.5", "1.22.5\n", "1.22.5\x00", "1.22.5-custom", "1.22.5+x", "gogo1.22", "go 1.22", "Go1.22", "0.9", "0",
		"1.9999999999", "99999999999999999999", "1.-1", "+1.22", "1,22", "１.22", "latest", "devel", "../../etc",
	} {
		v, err := gover.Parse(s)
		if err == nil {
			t.Errorf("Parse(%q) = %q, want an error", s, v)
			continue
		}
		if diag.CodeOf(err) != diag.BadSelector || len(diag.HintsOf(err)) == 0 || !v.IsZero() {
			t.Errorf("Parse(%q): code %q, hints %q, version %q", s, diag.CodeOf(err), diag.HintsOf(err), v)
		}
	}
}

func TestZeroVersion(t *testing.T) {
	t.Parallel()
	var zero gover.Version
	if !zero.IsZero() || zero.IsRelease() || zero.IsPrerelease() || zero.String() != "" || zero.Toolchain() != "" || !zero.Lang().IsZero() {
		t.Errorf("the zero version is not none: %+v", zero)
	}
	if zero.Compare(parse(t, "1")) >= 0 || parse(t, "1").Compare(zero) <= 0 || zero.Compare(zero) != 0 {
		t.Error("the zero version is not below the first release")
	}
}

// ordered is in Go's order; every pair of it is compared.
var ordered = []string{
	"1", "1.0.1", "1.0.3", "1.1", "1.1.2", "1.2.2", "1.3beta1", "1.3rc1", "1.3rc2", "1.3", "1.3.1",
	"1.4", "1.9", "1.9.7", "1.10beta2", "1.10rc1", "1.10", "1.10.8",
	"1.20rc1", "1.20rc3", "1.20", "1.20.1", "1.20.14",
	"1.21", "1.21beta9", "1.21rc2", "1.21rc10", "1.21.0", "1.21.1", "1.21.13",
	"1.22", "1.22rc1", "1.22.0", "1.22.5", "1.22.12", "1.23", "1.100", "1.100.0", "2", "2.21", "2.21.0",
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for i, a := range ordered {
		for j, b := range ordered {
			got, want := parse(t, a).Compare(parse(t, b)), i-j
			if sign(got) != sign(want) {
				t.Errorf("Compare(%s, %s) = %d", a, b, got)
			}
			if judge := goversion.Compare("go"+a, "go"+b); sign(got) != judge {
				t.Errorf("Compare(%s, %s) = %d, go/version says %d", a, b, got, judge)
			}
		}
	}
}

func sign(n int) int { return min(max(n, -1), 1) }

// FuzzParse holds the grammar to that of go/version: what is taken here is
// valid there and means the same; what is valid there and refused here is one
// of the forms that Go never released.
func FuzzParse(f *testing.F) {
	for _, s := range slices.Concat(ordered, []string{"go1.22.5", "1.9.2rc2", "01.22", "1.22rc", "1.21alpha3", "1.9999999999"}) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := gover.Parse(s)
		bare := strings.TrimPrefix(s, "go")
		judged := goversion.IsValid("go"+bare) && !strings.Contains(bare, "-")
		if err != nil {
			if judged && !neverReleased(bare) {
				t.Fatalf("%q is refused: %v", s, err)
			}
			return
		}
		if !judged {
			t.Fatalf("%q is taken as %q, go/version refuses it", s, v)
		}
		if goversion.Compare("go"+bare, v.Toolchain()) != 0 {
			t.Fatalf("%q became %q, which is another version", s, v)
		}
		if again, err := gover.Parse(v.String()); err != nil || again != v {
			t.Fatalf("%q does not read back as itself: %q, %v", v, again, err)
		}
		if lang := goversion.Lang("go" + bare); goversion.Compare(lang, v.Lang().Toolchain()) != 0 {
			t.Fatalf("Lang(%q) = %q, go/version says %q", s, v.Lang(), lang)
		}
	})
}

// neverReleased reports the forms that go/version takes and vmgo does not:
// stages other than beta and rc, those without a number, huge numbers, Go 0.
func neverReleased(s string) bool {
	letters := strings.Trim(s, "0123456789.")
	digits := 0
	for i := range len(s) {
		if digits++; s[i] < '0' || s[i] > '9' {
			digits = 0
		}
		if digits > 9 {
			return true
		}
	}
	return letters != "" && letters != "rc" && letters != "beta" || strings.HasSuffix(s, "rc") ||
		strings.HasSuffix(s, "beta") || s[0] == '0'
}

// FuzzOrder holds the order to that of go/version, and to being one.
func FuzzOrder(f *testing.F) {
	for i := 2; i < len(ordered); i++ {
		f.Add(ordered[i], ordered[i-1], ordered[i-2])
	}
	f.Fuzz(func(t *testing.T, x, y, z string) {
		a, errA := gover.Parse(x)
		b, errB := gover.Parse(y)
		c, errC := gover.Parse(z)
		if errA != nil || errB != nil || errC != nil {
			t.Skip("not versions")
		}
		if got, want := a.Compare(b), goversion.Compare(a.Toolchain(), b.Toolchain()); sign(got) != want {
			t.Fatalf("Compare(%s, %s) = %d, go/version says %d", a, b, got, want)
		}
		if (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%s and %s: equal in order %t, as values %t", a, b, a.Compare(b) == 0, a == b)
		}
		if sign(a.Compare(b)) != -sign(b.Compare(a)) {
			t.Fatalf("%s and %s are not antisymmetric", a, b)
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("%s, %s, %s are not transitive", a, b, c)
		}
	})
}
