package release

import "testing"

func TestIsSigned(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1.2.2": false, "1.8.4": false, "1.8.5": true, "1.9beta2": false, "1.9rc1": false, "1.9rc2": true,
		"1.9": true, "1.9.1": false, "1.9.2": true, "1.10": true, "1.23.1": true, "1.27rc1": true,
	} {
		if got := IsSigned(version(t, text)); got != want {
			t.Errorf("%s is signed: %v", text, got)
		}
	}
}

func TestOfficialSignature(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ base, version, want string }{
		{"https://go.dev/dl/", "1.23.1", "https://go.dev/dl/go1.23.1.linux-amd64.tar.gz.asc"},
		{"https://go.dev/dl", "1.8.3", ""},
		{"", "1.23.1", ""},
	} {
		if got := OfficialSignature(tt.base, version(t, tt.version), linux); got != tt.want {
			t.Errorf("%s at %q: %q, not %q", tt.version, tt.base, got, tt.want)
		}
	}
}
