// Command record writes what the kernel side sends while a command runs: the mix
// of events that benchmarks and tests of the matcher work on.
//
//	record -o FILE [-skip N] [-max N] -- COMMAND [ARGUMENT…]
//
// Only records of the command and its descendants are kept, with the births and
// images that come before the part that is wanted, so that every event has its
// process. A recording is gzip over frames: the boot offset (8 bytes), the length
// of the record (4 bytes), the record, in the byte order of the machine. Its records
// have the private format of one version of the kernel side: make them anew with
// `make record` when decode refuses them.
package main
