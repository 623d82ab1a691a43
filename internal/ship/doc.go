// Package ship gets alerts out: to standard output, to files and to a SIEM.
//
// # Queues
//
// Each destination has a queue in memory and one goroutine that empties it.
// [Shipper.Send] puts an alert into all queues and never blocks, so that a
// destination that is slow or away delays neither the others nor the reader of
// the kernel's events.
//
// A queue is bounded in alerts and in bytes ([DefaultQueueAlerts],
// [DefaultQueueBytes]; queue.alerts and queue.bytes in the configuration). When
// it is full, the oldest alert is shed and counted; an alert that is larger than
// queue.bytes is shed itself. Alerts on their way at this
// moment are not shed; if nothing else is there, the new alert is.
//
// # Delivery
//
// Alerts go out in order and in batches of at most maxBatch. What a destination
// did not take is sent again before what came later, for as long as it is in
// memory, with waits that
// double from minBackoff to maxBackoff and are spread at random, so that the
// agents of a cluster do not all come back in the same second. What it refused
// for good is counted and logged with its reason, and does not hold up the rest.
// An alert may arrive twice when an answer was lost; its id is the same then.
//
// When the reader of standard output leaves, that destination is blocked and the
// others go on; if there is no other, [Shipper.Gone] says so and the agent ends.
//
// [Shipper.Close] stops accepting, sends what is queued until its context ends,
// and reports what was left. The queues are in memory alone: what is left at the
// end of the process is lost.
//
// # What an operator sees
//
// Metrics, each with the label destination:
//
//	goshawk_alerts_sent_total      taken by the destination
//	goshawk_alerts_shed_total      dropped, by cause: queue_full, too_large (for the whole
//	                               queue) or end (came after Close, or was left by it)
//	goshawk_alerts_rejected_total  refused by the destination for good
//	goshawk_alerts_retried_total   sent again after a failed try
//	goshawk_queue_alerts           waiting now, those on their way included
//	goshawk_queue_bytes            the same in bytes of memory, estimated
//	goshawk_queue_limit_alerts     what the queue holds at most
//	goshawk_destination_state      1 for the state (ok, retrying, blocked) that holds
//	goshawk_destination_last_success_timestamp_seconds
//
// accepted = sent + shed + rejected + waiting, to the alert. [Shipper.Status] has
// the same for /readyz and doctor with the last error. A failure is logged when
// it begins, when its reason changes and when it is over, not with every try.
//
// # A new destination
//
// It is a package below this one with a Config (Validate, ResolvePaths where it
// has paths) and a type that is a [Sink], passes sinktest.Run, and gets one
// field in [Destination] and one case in the kind table of config.go.
package ship
