package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/suggest"
	"github.com/goshawk-security/goshawk/internal/rule/verdict"
)

// eventName checks a value that evt.type is compared with. It returns false for
// an event that is not delivered.
func (c *checker) eventName(e *rule.Comparison, v *rule.Literal) bool {
	if n := e.Field.Name; n != "evt.type" && n != "syscall.type" || e.Op != rule.OpEq && e.Op != rule.OpNe && e.Op != rule.OpIn && e.Op != rule.OpIntersects {
		return true
	}
	if _, ok := event.TypeByName(v.Text); ok {
		return true
	}
	if verdict.IsEvent(v.Text) {
		return false
	}
	hint := suggest.DidYouMean(v.Text, verdict.Events(), c.Work)
	if hint != "" {
		c.wrong(v.Pos, rule.CodeUnknownEventType, hint, fmt.Errorf("unknown event type %s", v.Text))
		return true
	}
	c.warn(v.Pos, rule.CodeImpossibleValue, "", "unknown event type %s: it never matches", v.Text)
	return true
}

// notDelivered warns of the events among the values of one comparison that are
// not delivered.
func (c *checker) notDelivered(values []*rule.Literal) {
	if len(values) == 0 {
		return
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.Text
	}
	it := "it never matches"
	if len(names) > 1 {
		it = "they never match"
	}
	c.warn(values[0].Pos, rule.CodeEventNotDelivered, "", "%s not delivered by this version of goshawk: %s", eventsAre(names), it)
}

// eventsAre writes "events of type a and b are".
func eventsAre(names []string) string {
	const most = 8
	if len(names) > most {
		names = append(slices.Clone(names[:most-1]), fmt.Sprintf("%d more", len(names)-most+1))
	}
	last := len(names) - 1
	if last == 0 {
		return "events of type " + names[0] + " are"
	}
	return "events of type " + strings.Join(names[:last], ", ") + " and " + names[last] + " are"
}

// delivered warns of a field without values, once for each that asks.
func (c *checker) delivered(f *rule.FieldRef) {
	why := verdict.Undelivered(f.Field)
	key := [3]string{c.kind, c.name, f.Name}
	if why == "" || c.saidField[key] {
		return
	}
	c.saidField[key] = true
	c.warn(f.Pos, rule.CodeFieldNotDelivered, "", "the value of %s is not delivered, so that it is always absent: %s", f.Name, why)
}
