// Package process keeps the processes of the machine: which there are, what
// each runs, and who made it.
//
// A [Table] is fed with births, new images and ends ([Table.Fork], [Table.Exec],
// [Table.Exit]) and answers for every event which process and image it belongs
// to ([Table.Lookup]). A process is named by its PID and start time, an image by
// its exec id besides, so an event that comes late finds the image that was
// running when it happened, if that is one of the last three.
//
// # Lineage
//
// An image's parent is its creator's image at the fork. It is frozen then: what
// the creator runs later, its end and a new parent do not change it. Of a chain
// event.MaxLineage ancestors can be seen; longer ones are cut when they reach
// twice that, so a chain holds at most 2*event.MaxLineage images in memory,
// however many forks it took.
//
// # What was not seen
//
// [Table.Scan] reads what runs already, while events of it may be waiting in the
// rings. What events say wins over what /proc says, whichever comes first: a
// scanned image gives way to that of an event, and a process that is known is
// not scanned. /proc has start times in clock ticks only; a scanned process takes
// over the exact one from its first event.
//
// A process whose birth was lost is read from /proc when its first event comes,
// if it still runs and its start time agrees. Otherwise it has a bare image that
// says what the event said. Such an answer is kept for a second, and readings of
// /proc are limited in number and in time, so neither a flood nor a hostile
// process can hold up the events.
//
// # Bounds
//
// A table holds at most Config.MaxProcesses; beyond that ended processes go
// first, then bare ones, then those that had no event for longest. An ended
// process stays for Config.Grace of event time. The number of images, ancestors
// included, is bounded by shorter lineages: the more there are beyond twice the
// processes, the earlier a chain is cut.
//
// What images hold as text, arguments above all, is charged to Config.Text. From
// three quarters of that budget on a new image is trimmed, from half of it on
// those of a process that ended, and the nearer to the limit the more. It happens
// between two events: an image is whole, however long its arguments, while the
// event that made it is handled. A trimmed image says so (Trimmed), and is counted.
//
// The clock of a Table is the latest event time it saw; the machine's is used only
// to tell what happened before /proc was read.
//
// A Table is used by one goroutine, the one that handles events.
package process
