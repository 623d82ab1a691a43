package literal

import (
	"errors"
	"fmt"
	"regexp/syntax"
)

// Bounds of regular expressions: of one, and of all in a load. A short text can
// stand for a large program.
const (
	maxPattern  = 8 << 10   // bytes
	maxProgram  = 9_000     // instructions; the matcher takes some more
	maxPrograms = 1_000_000 // instructions of all
)

// budget counts the instructions that were compiled in a load.
type budget struct{ used int }

// check tells what is wrong with a regular expression.
func (b *budget) check(pattern string) error {
	if len(pattern) > maxPattern {
		return fmt.Errorf("the regular expression has %d bytes, and at most %d are taken", len(pattern), maxPattern)
	}
	if b.used > maxPrograms {
		return errors.New("the regular expressions of these files are too large together")
	}
	re, err := syntax.Parse(pattern, syntax.ClassNL|syntax.POSIX)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return fmt.Errorf("no regular expression: %s: %s", bad.Code, bad.Expr)
		}
		return err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return err
	}
	b.used += len(prog.Inst)
	if len(prog.Inst) > maxProgram {
		return fmt.Errorf("the regular expression stands for %d instructions, and at most %d are taken", len(prog.Inst), maxProgram)
	}
	return nil
}
