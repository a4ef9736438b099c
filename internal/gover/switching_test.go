package gover_test

import (
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
)

func TestSwitchesUnsafely(t *testing.T) {
	for text, want := range map[string]bool{
		"1.17.13": false, "1.20.14": false, "1.21.0": true, "1.22.5": true, "1.24.13": true,
		"1.25.12": true, "1.25.13": false, "1.25.14": false, "1.26rc1": true, "1.26.5": true, "1.26.6": false,
		"1.27rc2": true, "1.27rc3": false, "1.27.0": false, "1.28.1": false,
	} {
		v, err := gover.Parse(text)
		if err != nil || v.SwitchesUnsafely() != want {
			t.Errorf("%s: %v, %v; want %v", text, v.SwitchesUnsafely(), err, want)
		}
	}
}
