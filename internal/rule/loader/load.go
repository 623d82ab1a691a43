package loader

import (
	"io/fs"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/compose"
)

// Files reads rule files in the order given. A directory stands for the *.yaml
// and *.yml files in it and below, sorted by path; hidden files and directories
// and the rules' own tests (*.test.yaml) are left out. A later definition
// replaces an earlier one of the same name.
//
// The error joins every mistake of every file (see [Errors]). The set is never
// nil: when there is an error it has no rules, but the warnings.
func Files(files []string, cat *field.Catalogue) (*rule.Set, error) {
	f := &finder{}
	for _, name := range files {
		f.path(name)
	}
	return load(f, cat)
}

// FS is Files for a file or directory of a file system, such as an embedded
// one. Places are named as fsys names the files.
func FS(fsys fs.FS, name string, cat *field.Catalogue) (*rule.Set, error) {
	f := &finder{}
	f.fs(fsys, name)
	return load(f, cat)
}

// Texts is Files for texts that are in memory, in the order given.
func Texts(texts []rule.File, cat *field.Catalogue) (*rule.Set, error) {
	return load(&finder{texts: texts}, cat)
}

func load(f *finder, cat *field.Catalogue) (*rule.Set, error) {
	b := compose.Global(f.texts, cat, &f.problems)
	return b.Set, b.Err()
}
