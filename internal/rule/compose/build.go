package compose

import (
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/check"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// cursor knows the places of a piece.
func (p piece) cursor() *source.Cursor { return source.NewCursor(p.src, p.node) }

// pos is where a piece begins.
func (p piece) pos() rule.Pos {
	return rule.Pos{File: p.src.Name, Line: p.node.Line, Col: p.node.Column}
}

// cursorOf joins pieces.
func cursorOf(pieces []piece) *source.Cursor {
	cursors := make([]*source.Cursor, len(pieces))
	for i, p := range pieces {
		cursors[i] = p.cursor()
	}
	return source.Join(cursors...)
}

// build parses what was put together, and hands it to the checker.
func (l *loader) build() {
	for _, d := range l.rules {
		l.Rules = append(l.Rules, l.buildRule(d))
	}
	for _, d := range l.replaced {
		l.Replaced = append(l.Replaced, l.buildRule(d))
	}
	for _, name := range l.Order {
		l.Macros[name] = l.buildMacro(l.byMacro[name])
	}
	for _, m := range l.oldMacros {
		l.OldMacros = append(l.OldMacros, l.buildMacro(m))
	}
}

func (l *loader) buildRule(d *draft) *check.Draft {
	d.Desc = strings.Join(d.desc, source.Joiner)
	d.Tags = once(d.Tags)
	d.Condition, d.Unread = l.condition(d.condition, d.Name, "", d.Foreign)
	if d.Unread == "" && !d.Foreign {
		l.except(d)
		if l.tenant != nil {
			l.tenant.confine(d)
		}
	}
	if len(d.output) > 0 && !d.Foreign {
		c := cursorOf(d.output)
		t, errs := syntax.ParseTemplate(c.Value(), c)
		l.failAll(d.Name, "", errs)
		d.Output = t
	}
	return &d.Draft
}

// once leaves the first of what is there twice.
func once(texts []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(texts, func(s string) bool {
		twice := seen[s]
		seen[s] = true
		return twice
	})
}

func (l *loader) buildMacro(m *macro) *rule.Macro {
	e, unread := l.condition(m.condition, m.Name, rule.KindMacro, false)
	m.Expr = e
	if unread != "" {
		l.Unread[m.Macro] = unread
	}
	return m.Macro
}

// condition parses pieces; unread is their text if there are mistakes. Of a
// foreign rule they do not matter.
func (l *loader) condition(pieces []piece, name, kind string, foreign bool) (e rule.Expr, unread string) {
	if len(pieces) == 0 {
		return nil, ""
	}
	c := cursorOf(pieces)
	e, errs := syntax.Parse(c.Value(), c)
	switch {
	case len(errs) == 0:
		return e, ""
	case foreign:
		return nil, ""
	}
	l.failAll(name, kind, errs)
	return e, c.Value()
}

// failAll reports mistakes of an item's texts.
func (l *loader) failAll(name, kind string, errs []*rule.Error) {
	for _, e := range errs {
		e.Rule, e.Kind = name, kind
		l.Fail(e)
	}
}
