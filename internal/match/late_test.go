package match

import (
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

// TestLateNames has paths whose directory was found elsewhere afterwards: both
// views fire, in pairs, and a rule fires once.
func TestLateNames(t *testing.T) {
	path := func(given, late string) event.Path {
		return event.Path{Given: []byte(given), HasGiven: true, Late: late}
	}
	moved := event.Event{Type: event.Rename, Path: path("/tmp/x", ""), Path2: path("/tmp/l/cron.d/zz", "/etc/cron.d")}
	both := event.Event{Type: event.Rename, Path: path("/tmp/l/a", "/etc"), Path2: path("/tmp/v/b", "/var/log")}
	removed := event.Event{Type: event.Unlink, Path: path("/tmp/v/syslog", "/var/log")}
	linked := event.Event{Type: event.Symlink, Path: path("/etc/shadow", ""), Path2: path("/tmp/l/y", "/")}
	tests := []struct {
		name, condition string
		ev              event.Event
		want            int // the hit's name, -1 for no hit
	}{
		{"target, found", "fs.path.target pmatch (/etc)", moved, 1},
		{"target, given", "fs.path.target = /tmp/l/cron.d/zz", moved, 0},
		{"source stays", "fs.path.source = /tmp/x and fs.path.target = /etc/cron.d/zz", moved, 1},
		{"either", "fs.path.target startswith /", moved, 0},
		{"pair", "fs.path.source = /etc/a and fs.path.target = /var/log/b", both, 1},
		{"no mixture", "fs.path.source = /etc/a and fs.path.target = /tmp/v/b", both, -1},
		{"one path", "fs.path.name = /var/log/syslog", removed, 1},
		{"one path, given", "fs.path.name = /tmp/v/syslog", removed, 0},
		{"new link in the root", "fs.path.source = /y", linked, 1},
		{"what it points to", "fs.path.target = /etc/shadow and fs.path.source = /y", linked, 1},
		{"changed", "fs.path.changed = /etc/cron.d/zz", moved, 1},
		{"changed, one path", "fs.path.changed = /var/log/syslog", removed, 1},
		{"as passed", "fs.path.targetraw startswith /etc", moved, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := compile(t, load(t, item("r", tt.condition))).NewMatcher()
			ev := with(tt.ev, image("sh"))
			hits := m.Match(ev)
			switch {
			case tt.want < 0 && len(hits) != 0:
				t.Errorf("%d hits", len(hits))
			case tt.want >= 0 && (len(hits) != 1 || hits[0].Name != tt.want):
				t.Errorf("hits %+v, want one with name %d", hits, tt.want)
			}
		})
	}
}
