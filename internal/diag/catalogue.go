package diag

// The catalogue. A new code needs an entry here, a section in docs/errors.md
// and a script in testdata/scripts that provokes it; a test holds the three
// together.
const (
	Failure             Code = "failure"
	Usage               Code = "usage"
	NotInstalled        Code = "not-installed"
	NoRequirement       Code = "no-requirement"
	BadVersionFile      Code = "bad-version-file"
	BadSelector         Code = "bad-selector"
	BadSetting          Code = "bad-setting"
	NoSuchRelease       Code = "no-such-release"
	TooYoung            Code = "too-young"
	UnsupportedPlatform Code = "unsupported-platform"
	UnsupportedShell    Code = "unsupported-shell"
	Network             Code = "network"
	Offline             Code = "offline"
	ChecksumMismatch    Code = "checksum-mismatch"
	SignatureInvalid    Code = "signature-invalid"
	ProofInvalid        Code = "proof-invalid"
	LogForked           Code = "log-forked"
	Unproven            Code = "unproven"
	ArchiveUnsafe       Code = "archive-unsafe"
	BadBundle           Code = "bad-bundle"
	Tampered            Code = "tampered"
	DiskFull            Code = "disk-full"
	StoreBusy           Code = "store-busy"
	StoreNotWritable    Code = "store-not-writable"
	StoreUnsafe         Code = "store-unsafe"
	NewerFormat         Code = "newer-format"
	InUse               Code = "in-use"
	Recursion           Code = "recursion"
	CannotStart         Code = "cannot-start"
	CommandNotFound     Code = "command-not-found"
	Interrupted         Code = "interrupted"
)

// Entry is one row of the catalogue.
type Entry struct {
	Code    Code
	Exit    int    // exit status of a program that ends with this code
	Summary string // what it means, for docs and completion
}

// Catalogue lists every code in the order of docs/errors.md.
func Catalogue() []Entry {
	return []Entry{
		{Failure, 1, "a failure that has no code of its own"},
		{Usage, 2, "the command line is not valid"},
		{BadSelector, 2, "a version selector is not valid"},
		{BadSetting, 2, "a VMGO_ variable or a settings file has an invalid value"},
		{UnsupportedShell, 2, "vmgo has no hook for this shell"},
		{NotInstalled, 3, "the requested release is not in the store"},
		{NoRequirement, 3, "no release is requested here, no default is set, and there is no other go"},
		{BadVersionFile, 3, "a version file is not valid"},
		{NoSuchRelease, 3, "no source has a release that matches"},
		{TooYoung, 3, "a release that is younger than the newest may be, by VMGO_MIN_AGE or --min-age"},
		{UnsupportedPlatform, 3, "the release does not exist for this operating system and architecture"},
		{Network, 4, "a server could not be reached or answered with an error"},
		{Offline, 4, "the network is needed, but VMGO_OFFLINE or GOPROXY=off forbids it"},
		{ChecksumMismatch, 5, "downloaded bytes have the wrong checksum"},
		{SignatureInvalid, 5, "an OpenPGP signature is wrong or made by a key that is not accepted"},
		{ProofInvalid, 5, "the checksum database's proof does not hold, or contradicts the bytes"},
		{LogForked, 5, "the checksum database shows two histories"},
		{Unproven, 5, "no proof of origin is available"},
		{ArchiveUnsafe, 5, "an archive has content that no honest release has"},
		{BadBundle, 5, "a file that is not a whole bundle of vmgo"},
		{Tampered, 5, "an installed release was modified"},
		{DiskFull, 1, "no space or no inodes left"},
		{StoreBusy, 6, "another process holds the store"},
		{StoreNotWritable, 1, "the store cannot be written by this user"},
		{StoreUnsafe, 1, "users other than its owner could put a release into the store"},
		{NewerFormat, 1, "the data was written by a newer vmgo"},
		{InUse, 1, "the release is the selected one or the default"},
		{Recursion, 126, "a shim leads back to itself"},
		{CannotStart, 126, "a program exists but cannot be started"},
		{CommandNotFound, 127, "a program does not exist"},
		{Interrupted, 130, "stopped by a signal"},
	}
}
