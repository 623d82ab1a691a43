package ship

import (
	"context"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// Sink is one destination. It knows its protocol and no policy: when to send,
// how long to wait and what to count is decided by the [Shipper], which calls
// all methods of a Sink from one goroutine.
//
// Send delivers a batch, in order, and returns when the destination has taken
// it or an error says what it has not. A nil error means that every alert was
// taken: it may be forgotten here. An error is an *outcome.Error, which says for
// each alert whether it was taken, is worth a retry or was refused for good;
// any other error means that the whole batch is worth a retry. An alert may
// arrive twice when an answer was lost, never not at all. Alerts are shared
// with other destinations: Send neither changes nor keeps them or the slice.
// Send may block; it returns soon after ctx ended. An empty batch is nothing
// to do. Send does not wait, neither to repeat a failed try nor because the
// destination asked for a pause: it returns and says for how long, since a
// [Shipper] that closes does not wait either.
//
// Reopen is called on SIGHUP: files are opened again, secrets and certificates
// read again, and a sink that had given up tries again. When it fails the sink
// goes on with what it had, as far as that works.
//
// Close gives back what the sink holds. Nothing is sent after it; a second Close
// does nothing and returns nil.
//
// sinktest.Run holds a Sink against this contract.
type Sink interface {
	Send(ctx context.Context, batch []*alert.Alert) error
	Reopen() error
	Close() error
}
