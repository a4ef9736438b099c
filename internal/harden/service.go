package harden

// Service is what `vmgo harden service` asks for.
type Service struct {
	Name   string  `json:"name"`
	Memory int64   `json:"memory,omitempty"` // bytes; 0 leaves memory alone
	CPUs   float64 `json:"cpus,omitempty"`   // 0 leaves the CPUs alone
	// Sandbox asks for the sandboxing drop-in; Write are directories that the
	// sandboxed service may write to.
	Sandbox bool     `json:"sandbox,omitempty"`
	Write   []string `json:"write,omitempty"`
}
