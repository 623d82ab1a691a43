package loader

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// finder reads the texts of rule files.
type finder struct {
	texts    []rule.File // that hold everywhere, in order
	confined []confined  // the rule sets of namespaces that manifests have
	whole    []rule.File // manifests
	problems rule.Problems
}

// text takes what a file holds.
func (f *finder) text(name, text string) {
	if !f.manifest(name, text) {
		f.texts = append(f.texts, rule.File{Name: name, Text: text})
	}
}

// path loads one argument of Files.
func (f *finder) path(name string) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		f.unreadable(name, err)
	case info.IsDir():
		f.directory(os.DirFS(name), ".", func(path string) string { return filepath.Join(name, path) })
	default:
		f.file(os.DirFS(filepath.Dir(name)), filepath.Base(name), name)
	}
}

// fs loads a file or directory of a file system.
func (f *finder) fs(fsys fs.FS, name string) {
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		f.unreadable(name, err)
	case info.IsDir():
		f.directory(fsys, name, func(path string) string { return path })
	default:
		f.file(fsys, name, name)
	}
}

// directory loads the rule files below root; shown names them to people.
func (f *finder) directory(fsys fs.FS, root string, shown func(string) string) {
	found := false
	err := fs.WalkDir(fsys, root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			f.unreadable(shown(path), err)
			return nil
		case path != root && strings.HasPrefix(d.Name(), "."):
			// Also Kubernetes' ..data: what it holds is linked beside it.
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !isRuleFile(d.Name()):
			return nil
		}
		if info, err := fs.Stat(fsys, path); err == nil && info.IsDir() {
			return nil // a link to a directory
		}
		found = true
		f.file(fsys, path, shown(path))
		return nil
	})
	if err != nil {
		f.unreadable(shown(root), err)
	}
	if !found {
		f.problems.Warn(&rule.Error{Code: rule.CodeNoRuleFiles, Pos: rule.Pos{File: shown(root)}, Err: errors.New("no rule files in this directory")})
	}
}

func isRuleFile(name string) bool {
	ext := filepath.Ext(name)
	if ext != ".yaml" && ext != ".yml" {
		return false
	}
	return !strings.HasSuffix(strings.TrimSuffix(name, ext), ".test")
}

// file loads one file.
func (f *finder) file(fsys fs.FS, path, shown string) {
	text, err := readFile(fsys, path, shown)
	if err != nil {
		f.unreadable(shown, err)
		return
	}
	f.text(shown, text)
}

// readFile reads a regular file. Opening another may wait for ever: a named pipe
// for its writer. Standard input is what somebody asked for.
func readFile(fsys fs.FS, path, shown string) (string, error) {
	info, err := fs.Stat(fsys, path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() && shown != "/dev/stdin" && !strings.HasPrefix(shown, "/dev/fd/") {
		return "", fmt.Errorf("%s is no regular file", kindOfFile(info.Mode()))
	}
	file, err := fsys.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() // read only: nothing to lose
	return readAll(file)
}

func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "this"
}

// readAll reads a file of bounded size.
func readAll(r io.Reader) (string, error) {
	var b strings.Builder
	n, err := io.Copy(&b, io.LimitReader(r, source.MaxFile+1))
	if err != nil {
		return "", err
	}
	if n > source.MaxFile {
		return "", fmt.Errorf("the file is larger than %d MiB", source.MaxFile>>20)
	}
	return b.String(), nil
}

func (f *finder) unreadable(shown string, err error) {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the place names the file already
	}
	f.problems.Fail(&rule.Error{Code: rule.CodeFileUnreadable, Pos: rule.Pos{File: shown}, Err: fmt.Errorf("read rules: %w", err)})
}
