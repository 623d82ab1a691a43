// Package control is the cluster's controller, goshawk controller: what needs a port
// inward or writes to the API, which agents do not.
//
// It refuses rule sets with mistakes (admit), keeps the status of each from what the
// agents say (status), and makes its own certificates (cert). Several may run: each
// answers the API server, one of them leads and writes. Without it rules still come to
// agents, which check them by the same code.
package control
