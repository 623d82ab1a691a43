package peer

import (
	"context"
	"errors"
	"net"

	"github.com/goshawk-security/goshawk/internal/event"
)

// What an error of a peer means, by errors.Is. Any other error is an answer too, if
// not a useful one.
var (
	ErrUnknown = errors.New("the runtime does not know it")
	ErrSilent  = errors.New("no answer in time")
	ErrGone    = errors.New("nobody listens")
	ErrOther   = errors.New("not the interface of a runtime")
	ErrWrong   = errors.New("the answer is about another container")
)

// Dial connects to a runtime.
type Dial func(ctx context.Context) (net.Conn, error)

// Question is a container that something is to be said of.
type Question struct {
	ID   string // in full
	Role Role
}

// Role says what is known of a container already.
type Role uint8

// Roles in a pod.
const (
	Any     Role = iota
	Sandbox      // holds the namespaces of a pod
	App          // any other
)

// Greeting is what a runtime says of itself.
type Greeting struct {
	Name, Version string
	State         string // containerd's directory for bundles, if it says
}

// Said is what a runtime says of a container.
type Said struct {
	Info       event.ContainerInfo
	Runtime    string // "" if it is the one that was greeted
	Privileged bool   // whether Info.Privileged was said, and not only left out
	Namespaces bool   // the same for the host's namespaces
	Pending    bool   // it did not start yet
}
