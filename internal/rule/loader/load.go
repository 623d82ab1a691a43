package loader

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/check"
	"github.com/goshawk-security/goshawk/internal/rule/source"
)

// Files reads rule files in the order given. A directory stands for the *.yaml
// and *.yml files in it and below, sorted by path; hidden files and directories
// and the rules' own tests (*.test.yaml) are left out. A later definition
// replaces an earlier one of the same name.
//
// The error joins every mistake of every file (see [Errors]). The set is never
// nil: when there is an error it has no rules, but the warnings.
func Files(files []string, cat *field.Catalogue) (*rule.Set, error) {
	l := newLoader(cat)
	for _, name := range files {
		l.path(name)
	}
	return l.finish()
}

// FS is Files for a file or directory of a file system, such as an embedded
// one. Places are named as fsys names the files.
func FS(fsys fs.FS, name string, cat *field.Catalogue) (*rule.Set, error) {
	l := newLoader(cat)
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		l.unreadable(name, err)
	case info.IsDir():
		l.directory(fsys, name, func(path string) string { return path })
	default:
		l.file(fsys, name, name)
	}
	return l.finish()
}

// Texts is Files for texts that are in memory, in the order given.
func Texts(texts []rule.File, cat *field.Catalogue) (*rule.Set, error) {
	l := newLoader(cat)
	for _, t := range texts {
		l.text(t.Name, t.Text)
	}
	return l.finish()
}

// path loads one argument of Files.
func (l *loader) path(name string) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		l.unreadable(name, err)
	case info.IsDir():
		l.directory(os.DirFS(name), ".", func(path string) string { return filepath.Join(name, path) })
	default:
		l.file(os.DirFS(filepath.Dir(name)), filepath.Base(name), name)
	}
}

// directory loads the rule files below root; shown names them to people.
func (l *loader) directory(fsys fs.FS, root string, shown func(string) string) {
	found := false
	err := fs.WalkDir(fsys, root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.unreadable(shown(path), err)
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
		l.file(fsys, path, shown(path))
		return nil
	})
	if err != nil {
		l.unreadable(shown(root), err)
	}
	if !found {
		l.Warn(&rule.Error{Code: rule.CodeNoRuleFiles, Pos: rule.Pos{File: shown(root)}, Err: errors.New("no rule files in this directory")})
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
func (l *loader) file(fsys fs.FS, path, shown string) {
	text, err := readFile(fsys, path, shown)
	if err != nil {
		l.unreadable(shown, err)
		return
	}
	l.text(shown, text)
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
	f, err := fsys.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // read only: nothing to lose
	return readAll(f)
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

func (l *loader) unreadable(shown string, err error) {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the place names the file already
	}
	l.Fail(&rule.Error{Code: rule.CodeFileUnreadable, Pos: rule.Pos{File: shown}, Err: fmt.Errorf("read rules: %w", err)})
}

// text loads the content of a file.
func (l *loader) text(name, text string) {
	l.Input.Files++
	l.files = append(l.files, rule.File{Name: name, Text: text})
	src := source.NewFile(name, text)
	docs, err := source.Documents(src)
	if err != nil {
		l.Fail(err)
		return
	}
	r := &reader{loader: l, src: src, aliased: source.MaxAliased, sizes: map[*yaml.Node]int{}, seen: map[[2]string]rule.Pos{}}
	for _, doc := range docs {
		r.document(doc)
	}
}

// loader collects the items of all files and makes a set of them.
type loader struct {
	check.Input
	rules     []*draft // in the order of their first definition
	replaced  []*draft // by a later one of the same file
	byRule    map[string]*draft
	byMacro   map[string]*macro
	oldMacros []*macro // replaced, or changes of what is not there
	files     []rule.File
	work      int // name comparisons left for suggestions
	room      int // left for the comparisons that exceptions make
}

// maxWork is far above what files that people write need.
const maxWork = 1_000_000

func newLoader(cat *field.Catalogue) *loader {
	l := &loader{
		Input: check.Input{
			Problems:  &rule.Problems{},
			Catalogue: cat,
			Macros:    map[string]*rule.Macro{},
			Lists:     map[string]*rule.List{},
			Unread:    map[*rule.Macro]string{},
		},
		byRule:  map[string]*draft{},
		byMacro: map[string]*macro{},
		work:    maxWork,
		room:    maxExceptions,
	}
	l.Work = &l.work
	return l
}

// finish checks what was read.
func (l *loader) finish() (*rule.Set, error) {
	l.build()
	check.Run(&l.Input)
	set := &rule.Set{Macros: l.Macros, Lists: l.Lists, Warnings: rule.Tidy(l.Warnings), Files: l.files}
	if errs := rule.Tidy(l.Errors); len(errs) > 0 {
		all := make([]error, len(errs))
		for i, e := range errs {
			all[i] = e
		}
		return &rule.Set{Warnings: set.Warnings, Files: set.Files}, errors.Join(all...)
	}
	for _, d := range l.Rules {
		if !d.Foreign && !d.Skipped {
			set.Rules = append(set.Rules, d.Rule)
		}
	}
	return set, nil
}
