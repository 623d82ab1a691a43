// Package stdout writes alerts to standard output: as text for a person who
// watches, or as JSON for the program behind a pipe or a container's log.
//
// Text is coloured by priority, but only on a terminal, and not if NO_COLOR is
// set or TERM is dumb.
//
// A reader that leaves (goshawk run | head) blocks the destination. For that the
// process has to ignore SIGPIPE: Go ends it otherwise.
package stdout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/lines"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
)

// Config is the destination's part of the configuration file.
type Config struct {
	Format string `yaml:"format"` // text (the default) or json
}

// Validate says what is wrong, naming the key.
func (c *Config) Validate() error {
	if err := lines.CheckFormat(c.Format); err != nil {
		return fmt.Errorf("format: %w", err)
	}
	return nil
}

// Sink writes to standard output. Its methods are for one goroutine.
type Sink struct {
	w     io.Writer
	text  func(*alert.Alert) string // nil for JSON
	batch lines.Batch
	// cut says that the last write ended in the middle of a line.
	cut    bool
	closed bool
}

// New makes a sink that writes to w, which is os.Stdout in the agent. w is not
// closed by the sink.
func New(c Config, w io.Writer) *Sink {
	s := &Sink{w: w}
	if c.Format == lines.JSON {
		return s
	}
	s.text = (*alert.Alert).Text
	if terminal(w) {
		s.text = colour
	}
	return s
}

// Send writes the batch with one write. When that is cut short, the next Send
// first ends the line that was begun and then repeats its alert.
func (s *Sink) Send(ctx context.Context, batch []*alert.Alert) error {
	if s.closed {
		return errors.New("write to standard output: sink is closed")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	defer s.batch.Release()
	s.batch.Encode(batch, s.text)
	out := s.batch.Bytes()
	if len(out) == 0 {
		return s.batch.Result(0, nil)
	}
	if s.cut {
		if _, err := s.w.Write([]byte{'\n'}); err != nil {
			return explain(outcome.RetryAll(len(batch), err))
		}
		s.cut = false
	}
	n, err := s.w.Write(out)
	if err != nil {
		s.cut = n > s.batch.Whole(n)
	}
	return explain(s.batch.Result(n, err))
}

// gonePoll is the time between two tries when the reader has left. A named pipe
// may get another one.
const gonePoll = 5 * time.Second

// explain completes the error of a write.
func explain(err error) error {
	var e *outcome.Error
	if !errors.As(err, &e) {
		return err
	}
	if !errors.Is(e.Err, syscall.EPIPE) {
		e.Err = fmt.Errorf("write to standard output: %w", e.Err)
		return e
	}
	e.Err = fmt.Errorf("nobody reads standard output any more: %w", syscall.EPIPE)
	e.Blocked, e.Gone, e.After = true, true, gonePoll
	return e
}

// Reopen does nothing: standard output cannot be opened again.
func (s *Sink) Reopen() error { return nil }

// Close ends the sink and leaves standard output open.
func (s *Sink) Close() error {
	s.closed = true
	return nil
}

// terminal tells that w is one that shows colours.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

const (
	reset = "\x1b[0m"
	dim   = "\x1b[2m"
)

// priorityColour returns what a priority is shown in, nothing for those that stay plain.
func priorityColour(priority string) string {
	switch priority {
	case "Emergency", "Alert", "Critical":
		return "\x1b[1;31m"
	case "Error":
		return "\x1b[31m"
	case "Warning":
		return "\x1b[33m"
	case "Notice":
		return "\x1b[36m"
	}
	return ""
}

// colour is the text form with its priority in colour and the lineage dimmed.
func colour(a *alert.Alert) string {
	line, lineage, more := strings.Cut(a.Text(), "\n")
	if code := priorityColour(a.Priority); code != "" {
		// The first one is the priority: before it there are only digits.
		line = strings.Replace(line, a.Priority, code+a.Priority+reset, 1)
	}
	if more {
		line += "\n" + dim + lineage + reset
	}
	return line
}
