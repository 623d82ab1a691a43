package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/goshawk-security/goshawk/internal/rule/format"
)

func newRulesFmt() *cobra.Command {
	write, list := false, false
	cmd := &cobra.Command{
		Use:   "fmt [FILE…]",
		Short: "Write rule files in one layout, comments kept",
		Long: `Write rule files in one layout: to standard output, or with -w in their place.
Comments stay, and what a file means does not change. Without a file standard input
is formatted. A file with a mistake is left alone.

The exit code is 0, or 1 with -l if a file is not formatted, or 2 if one has a mistake.`,
		Example: `  goshawk rules fmt mine.yaml
  goshawk rules fmt -w rules/*.yaml
  goshawk rules fmt -l rules/*.yaml`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				files = []string{"/dev/stdin"}
			}
			f := formatter{out: cmd.OutOrStdout(), errs: cmd.ErrOrStderr(), write: write, list: list}
			for _, name := range files {
				if err := f.file(name); err != nil {
					return err
				}
			}
			switch {
			case f.bad:
				return errSaid
			case list && f.differ:
				return failed(errSaid)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&write, "write", "w", write, "write files in their place")
	cmd.Flags().BoolVarP(&list, "list", "l", list, "list the files that are not formatted, and write nothing")
	return cmd
}

// formatter formats files one by one.
type formatter struct {
	out, errs   io.Writer
	write, list bool
	bad, differ bool
}

func (f *formatter) file(name string) error {
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, mistakes := format.File(name, string(old))
	if len(mistakes) > 0 {
		for _, m := range mistakes {
			fmt.Fprintln(f.errs, m)
		}
		f.bad = true
		return nil
	}
	changed := text != string(old)
	f.differ = f.differ || changed
	switch {
	case f.list && changed:
		_, err = fmt.Fprintln(f.out, name)
	case f.list, f.write && !changed:
	case f.write:
		err = replaceFile(name, text)
	default:
		_, err = io.WriteString(f.out, text)
	}
	return failed(err)
}

// replaceFile puts a new content in the place of a file's, whole or not at all.
func replaceFile(name, text string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".goshawk-fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // it is gone if all went well
	_, err = io.WriteString(temp, text)
	if err == nil {
		err = temp.Chmod(info.Mode().Perm())
	}
	if cerr := temp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}
