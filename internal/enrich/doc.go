// Package enrich says who did what an event tells of, and where.
//
// An [Enricher] keeps the processes of the machine (package process), the
// containers (package workload) and the names of users (package users). Every
// event goes through [Enricher.Apply] once, in the order of the rings: births, new
// images and ends change the tables, and each event gets its Process, Image,
// Container and Accounts.
//
// Every source may be missing and the rest still works: without /proc, cgroups
// or passwd files an event has a bare image, no container and no names. What was
// missing is counted in [Stats].
//
// An Enricher is used by one goroutine, the one that handles events: Scan,
// Apply and Stats must not run at the same time. What Apply puts into an event may
// be read until the next Apply; an Image and a Container for ever.
package enrich
