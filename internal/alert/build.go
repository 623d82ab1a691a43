package alert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// maxAncestors bounds the lineage of an alert, the process itself not counted.
const maxAncestors = 16

// standardFields are in the output fields of every alert whose event has them,
// whatever the rule's output names: what an analyst filters by.
var standardFields = [...]string{
	"evt.time", "evt.type",
	"proc.name", "proc.pid", "proc.exepath", "proc.cmdline", "proc.cwd", "proc.pname", "proc.ppid",
	"user.name", "user.uid", "user.loginuid",
	"container.id", "container.name", "container.image.repository", "container.image.tag",
	"k8s.ns.name", "k8s.pod.name",
	"fd.name", "fd.nameraw", "fd.sip", "fd.sport",
}

// Node says where alerts come from.
type Node struct {
	Hostname string
	BootID   string // /proc/sys/kernel/random/boot_id
}

// Builder makes alerts. It remembers the masked command lines of the images it
// met last, so it is for one goroutine: the one that matches.
type Builder struct {
	node     Node
	cat      *field.Catalogue
	mask     *Masker
	images   *imageCache
	standard []rule.FieldRef
}

// NewBuilder returns a Builder that reads the standard fields which the
// catalogue has and masks with mask; a nil mask masks nothing.
func NewBuilder(cat *field.Catalogue, node Node, mask *Masker) *Builder {
	b := &Builder{node: Node{Hostname: valid(node.Hostname), BootID: node.BootID}, cat: cat, mask: mask, images: newImageCache(mask)}
	for _, name := range standardFields {
		if f := cat.Find(name); f != nil {
			b.standard = append(b.standard, rule.FieldRef{Text: name, Name: name, Field: f})
		}
	}
	return b
}

// New reports that ev made r true. Conditions are the comparisons that were
// true; the event's selected name is the one they were true with. The alert
// borrows nothing: it outlives the event.
//
// Secrets are masked in everything that came from the event, and of each text at
// most the first 4 KiB are kept, of the lineage's command lines 1 KiB: New runs
// where the kernel's ring is read, and what it costs must not be for a traced
// program to choose. The output is made
// printable besides, so that it can be shown on a terminal as it is; the output
// fields keep control characters, as evidence, and are valid UTF-8.
func (b *Builder) New(ev *event.Event, r *rule.Rule, conditions []Condition) *Alert {
	t := teller{mask: b.mask, cat: b.cat, images: b.images, ev: ev}
	a := &Alert{
		ID:           b.id(ev, r),
		Output:       t.output(r.Output),
		Priority:     r.Priority.String(),
		Rule:         r.Name,
		Source:       r.Source,
		Tags:         append([]string{}, r.Tags...),
		Time:         time.Unix(0, ev.Wall()).UTC(),
		Hostname:     b.node.Hostname,
		OutputFields: b.outputFields(&t, r.Output),
		Description:  strings.Join(strings.Fields(r.Desc), " "),
		Fingerprint:  b.fingerprint(ev, r),
		Lineage:      t.lineage(),
		Conditions:   t.conditions(conditions),
	}
	a.place(ev)
	if a.Source == "" {
		a.Source = "syscall"
	}
	if r.Pos.File != "" {
		a.RuleFile = fmt.Sprintf("%s:%d", r.Pos.File, r.Pos.Line)
	}
	return a
}

// outputFields reads the fields that the output names (null if the event does
// not have one) and the standard ones that the event has.
func (b *Builder) outputFields(t *teller, out *rule.Template) map[string]any {
	fields := make(map[string]any, len(b.standard)+8)
	for i := range b.standard {
		if v := b.standard[i].Get(t.ev); v.IsPresent() {
			fields[b.standard[i].Text] = t.field(&b.standard[i], v)
		}
	}
	if out == nil {
		return fields
	}
	for i := range out.Parts {
		f := &out.Parts[i].Field
		if f.Field != nil {
			fields[f.Text] = t.field(f, f.Get(t.ev))
		}
	}
	return fields
}

// id names the alert. The sequence number counts per CPU and ring, so all of
// them are part of it; the boot id keeps two boots of one node apart.
func (b *Builder) id(ev *event.Event, r *rule.Rule) string {
	ring := "events"
	if info := ev.Type.Info(); info != nil && info.State {
		ring = "state"
	}
	var place [10]byte
	binary.LittleEndian.PutUint16(place[:], ev.CPU)
	binary.LittleEndian.PutUint64(place[2:], ev.Seq)
	return digest(b.node.BootID, ring, string(place[:]), r.ID())
}

// fingerprint is the same for alerts that say the same again: one rule, one
// executable, in one workload, container or, outside of any, on one host. Names of files
// and peers are not part of it, so that a scan is one group and not thousands.
func (b *Builder) fingerprint(ev *event.Event, r *rule.Rule) string {
	place := "host\x00" + b.node.Hostname
	if ev.Container != nil {
		place = where(ev.Container)
	}
	exe := ""
	if ev.Image != nil {
		if exe = ev.Image.ExePath; exe == "" {
			exe = ev.Image.Comm
		}
	}
	return digest(r.ID(), place, exe)
}

// digest hashes the parts, each with its length before it, so that no two lists
// of parts run together, and keeps 128 bits.
func digest(parts ...string) string {
	h := sha256.New()
	var size [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// valid returns s as valid UTF-8 that borrows nothing: a run of bytes that are
// none becomes U+FFFD.
func valid(s string) string {
	if utf8.ValidString(s) {
		return strings.Clone(s)
	}
	return strings.Clone(strings.ToValidUTF8(s, "\uFFFD"))
}
