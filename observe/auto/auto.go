// Package auto starts observe where systemd passed its socket, and does nothing
// elsewhere. It is for its effect:
//
//	import _ "github.com/vmgo/vmgo/observe/auto"
package auto

import "github.com/vmgo/vmgo/observe"

func init() {
	// Without a socket there is nothing to do; a service must not fail for this.
	_, _ = observe.Start(observe.Options{})
}
