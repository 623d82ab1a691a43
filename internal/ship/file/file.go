// Package file appends alerts to a file, one JSON object a line or as text.
//
// # Rotation
//
// Before each batch the sink looks whether its path still leads to the file it
// has open, and opens it anew when it was renamed, removed or replaced. So it
// works with logrotate's default (rename and create), with or without a signal;
// with copytruncate the next batch lands at the start of the emptied file.
//
// # What a crash or a full disk leaves
//
// A batch is one write. When the disk takes only a part, the sink cuts the file
// back to its last whole line, and if somebody else has written behind it,
// ends the broken line instead; the alert is then written again. A file that
// ends in half a line, because the machine went down, gets its newline when it
// is opened. The file is not synced after each alert, only when it is closed.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/lines"
)

// Config is the destination's part of the configuration file.
type Config struct {
	Path   string `yaml:"path"`
	Format string `yaml:"format"` // json (the default) or text
}

// Validate says what is wrong, naming the keys.
func (c *Config) Validate() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("path: is missing: name the file to append to"))
	}
	if err := lines.CheckFormat(c.Format); err != nil {
		errs = append(errs, fmt.Errorf("format: %w", err))
	}
	return errors.Join(errs...)
}

// ResolvePaths makes a relative path one below the directory base.
func (c *Config) ResolvePaths(base string) {
	if c.Path != "" && !filepath.IsAbs(c.Path) {
		c.Path = filepath.Join(base, c.Path)
	}
}

// Sink appends to a file. Its methods are for one goroutine.
type Sink struct {
	path  string
	text  func(*alert.Alert) string // nil for JSON
	batch lines.Batch
	f     *os.File // nil after a failed reopen, and once closed
	// broken says that the file ends in half a line.
	broken bool
	closed bool
}

// New opens the file, made with mode 0600 if there is none. It does not make
// directories.
func New(c Config) (*Sink, error) {
	s := &Sink{path: c.Path}
	if c.Format == lines.Text {
		s.text = (*alert.Alert).Text
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// Send appends the batch with one write.
func (s *Sink) Send(ctx context.Context, batch []*alert.Alert) error {
	if s.closed {
		return fmt.Errorf("write alerts to %s: %w", s.path, fs.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write alerts to %s: %w", s.path, err)
	}
	defer s.batch.Release()
	s.batch.Encode(batch, s.text)
	if len(s.batch.Bytes()) == 0 {
		return s.batch.Result(0, nil)
	}
	if err := s.ready(); err != nil {
		return err
	}
	n, err := s.write()
	return s.batch.Result(n, err)
}

// Reopen opens the path anew. If it cannot be, the file that was open stays.
func (s *Sink) Reopen() error {
	if s.closed {
		return fmt.Errorf("open %s again: %w", s.path, fs.ErrClosed)
	}
	old := s.f
	if err := s.open(); err != nil {
		return err
	}
	return closeSynced(old)
}

// Close syncs and closes the file.
func (s *Sink) Close() error {
	s.closed = true
	f := s.f
	s.f = nil
	return closeSynced(f)
}

// ready makes sure that the open file is the one at the path and ends in a
// whole line.
func (s *Sink) ready() error {
	if s.moved() {
		if err := s.Reopen(); err != nil {
			return err
		}
	}
	if !s.broken {
		return nil
	}
	if _, err := s.f.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("end a broken line in %s: %w", s.path, err)
	}
	s.broken = false
	return nil
}

// moved tells that the path does not lead to the open file.
func (s *Sink) moved() bool {
	if s.f == nil {
		return true
	}
	open, err := s.f.Stat()
	if err != nil {
		return true
	}
	named, err := os.Stat(s.path)
	return err != nil || !os.SameFile(open, named)
}

// write appends the batch's bytes and returns how many of them are in the file
// to stay.
func (s *Sink) write() (int, error) {
	before, err := s.f.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", s.path, err)
	}
	n, err := s.f.Write(s.batch.Bytes())
	if err == nil {
		return n, nil
	}
	err = fmt.Errorf("write alerts to %s: %w", s.path, err)
	whole := s.batch.Whole(n)
	if whole == n {
		return n, err
	}
	// Cutting is safe only while nobody has written behind us.
	after, serr := s.f.Stat()
	if serr == nil && after.Size() == before.Size()+int64(n) && s.f.Truncate(before.Size()+int64(whole)) == nil {
		return whole, err
	}
	s.broken = true
	return whole, err
}

// open replaces the open file by the one at the path.
func (s *Sink) open() error {
	// O_NONBLOCK: a named pipe without a reader must not hang the agent.
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return fmt.Errorf("open alert file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", s.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open alert file: %w", err), f.Close())
	}
	broken := false
	if info.Size() > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
			return errors.Join(fmt.Errorf("read the end of alert file %s: %w", s.path, err), f.Close())
		}
		broken = last[0] != '\n'
	}
	s.f, s.broken = f, broken
	return nil
}

// closeSynced closes f, if there is one, after its content is on the disk.
func closeSynced(f *os.File) error {
	if f == nil {
		return nil
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("close alert file: %w", err)
	}
	return nil
}
