package gover

// SwitchesUnsafely reports whether the release, told by GOTOOLCHAIN=auto to
// download another one, can be made to accept one that the checksum database
// does not vouch for: CVE-2026-42501 and CVE-2026-56865, fixed in 1.25.13,
// 1.26.6 and 1.27rc3. Before 1.21 nothing is ever downloaded.
func (v Version) SwitchesUnsafely() bool {
	if v.IsZero() || v.major != 1 || v.minor < firstPatched {
		return false
	}
	switch v.minor {
	case 25:
		return v.Compare(known("1.25.13")) < 0
	case 26:
		return v.Compare(known("1.26.6")) < 0
	default:
		return v.Compare(known("1.27rc3")) < 0
	}
}

// known reads a version that is written in this file.
func known(s string) Version {
	v, _ := parse(s)
	return v
}
