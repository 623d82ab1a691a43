// Package secret holds what must not be shown: tokens and passwords, and the
// file or environment variable they come from.
package secret

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// Text is a secret. Printed, logged or encoded it is ***; Reveal gives it out.
type Text struct {
	// A pointer, since fmt does not ask the methods of a field that is not
	// exported: it prints what is in it, and so the address.
	s *string
}

// NewText makes s a secret.
func NewText(s string) Text { return Text{&s} }

// Reveal returns the secret itself, for the request that needs it.
func (t Text) Reveal() string {
	if t.s == nil {
		return ""
	}
	return *t.s
}

const hidden = "***"

// String returns ***.
func (t Text) String() string { return hidden }

// GoString returns ***, for %#v.
func (t Text) GoString() string { return hidden }

// Format prints *** for every verb.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns ***, for JSON, YAML and the logger.
func (t Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML returns ***.
func (t Text) MarshalYAML() (any, error) { return hidden, nil }

// maxSize is more than any token has; a larger file is a mistake.
const maxSize = 64 << 10

// Source is where a secret comes from. It is for one goroutine.
type Source struct {
	file  string
	env   string
	stamp stamp
	text  Text
}

// stamp tells one state of a file from another. The change time is part of it,
// so that a touch counts as a change.
type stamp struct {
	dev, ino uint64
	size     int64
	changed  time.Time
}

// FromFile reads the secret from a file, and again when the file changes.
func FromFile(path string) (*Source, error) {
	s := &Source{file: path}
	if _, err := s.Refresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// FromEnv reads the secret from an environment variable, which cannot change.
func FromEnv(name string) (*Source, error) {
	s := &Source{env: name}
	text, err := clean(os.Getenv(name))
	if err != nil {
		return nil, fmt.Errorf("read secret from environment variable %s: %w", name, err)
	}
	s.text = text
	return s, nil
}

// Text returns the secret as it was last read.
func (s *Source) Text() Text { return s.text }

// String says where the secret comes from.
func (s *Source) String() string {
	if s.file != "" {
		return "file " + s.file
	}
	return "environment variable " + s.env
}

// Refresh looks at the file and reads it when it is not the one that was read
// last; changed tells that it was. After an error the secret stays what it was.
func (s *Source) Refresh() (changed bool, err error) {
	if s.file == "" {
		return false, nil
	}
	now, err := stat(s.file)
	if err != nil {
		return false, fmt.Errorf("read secret: %w", err)
	}
	if now == s.stamp {
		return false, nil
	}
	text, err := read(s.file)
	if err != nil {
		return false, fmt.Errorf("read secret from %s: %w", s.file, err)
	}
	// The stamp is the one from before the read: a change in between is seen
	// the next time.
	s.stamp, s.text = now, text
	return true, nil
}

func stat(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	st := stamp{size: info.Size(), changed: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		st.dev, st.ino = sys.Dev, sys.Ino
		st.changed = time.Unix(sys.Ctim.Unix())
	}
	return st, nil
}

func read(path string) (Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return Text{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return Text{}, err
	}
	if len(b) > maxSize {
		return Text{}, errors.New("file is too large for a secret")
	}
	return clean(string(b))
}

// clean takes off the newline that editors leave. What would break a header is
// an error, since it would be refused with every request.
func clean(s string) (Text, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Text{}, errors.New("it is empty")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return Text{}, errors.New("it has control characters or more than one line")
	}
	return NewText(s), nil
}
