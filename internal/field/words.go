package field

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/event"
)

// Words returns the values that a field of words can have: what else a rule
// compares it with never matches. None for a field of any text. evt.res has a
// negative number as well, where an error has no name.
func Words(name string) []string {
	switch name {
	case "evt.res":
		return errnoWords()
	case "fd.type", "fd.types", "proc.stdin.type", "proc.stdout.type", "proc.stderr.type":
		return kindWords(func(k fdKind) string { return k.word })
	case "fd.typechar":
		return kindWords(func(k fdKind) string { return k.char })
	}
	return nil
}

// maxErrno is the largest error that a call returns.
const maxErrno = 4095

func errnoWords() []string {
	words := []string{"SUCCESS"}
	for n := syscall.Errno(1); n <= maxErrno; n++ {
		if name := unix.ErrnoName(n); name != "" {
			words = append(words, name)
		}
	}
	return words
}

func kindWords(word func(fdKind) string) []string {
	var words []string
	for _, k := range []fdKind{kindFile, kindDirectory, kindPipe, kindIPv4, kindIPv6, kindUnix, kindNetlink, kindSocket, kindMemfd, kindAnon} {
		words = append(words, word(k))
	}
	for _, k := range anonKinds {
		words = append(words, word(k.kind))
	}
	return words
}

// Capabilities returns the names in thread.cap_*.
func Capabilities() []string { return slices.Clone(capNames[:]) }

// OpenFlags returns the names in evt.arg.flags of an open.
func OpenFlags() []string {
	words := []string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_CLOEXEC", "FD_UPPER_LAYER", "FD_LOWER_LAYER"}
	for _, b := range openBits {
		words = append(words, b.name)
	}
	return words
}

// Params returns the names of the parameters that each type of event has.
func Params() [event.TypeCount][]string { return *newParamTable() }
