package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"
)

const hushHush = "hush-hush"

// No way of printing shows a secret, alone or inside of something else.
func TestHidden(t *testing.T) {
	type holder struct {
		Open   Text
		closed Text
	}
	h := holder{NewText(hushHush), NewText(hushHush)}
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all = append(all, fmt.Sprintf(verb, h.Open), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h), fmt.Sprintf(verb, []Text{h.closed}))
	}
	all = append(all, h.Open.String(), h.Open.GoString())
	j, errJ := json.Marshal(h)
	y, errY := yaml.Marshal(h.Open)
	line, errZ := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()).EncodeEntry(zapcore.Entry{},
		[]zapcore.Field{zap.Any("holder", h), zap.Any("text", h.Open), zap.Stringer("s", h.Open), zap.Reflect("r", h)})
	if err := errors.Join(errJ, errY, errZ); err != nil {
		t.Fatal(err)
	}
	all = append(all, string(j), string(y), line.String())
	for _, s := range all {
		if strings.Contains(s, hushHush) || strings.Contains(s, fmt.Sprintf("%x", hushHush)) {
			t.Errorf("shown in %q", s)
		}
	}
	if string(j) != `{"Open":"***"}` || h.Open.Reveal() != hushHush || (Text{}).Reveal() != "" {
		t.Errorf("JSON is %s, revealed is %q", j, h.Open.Reveal())
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "  one\r\n")
	s, err := FromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(step, text string, changed, wantChanged bool, err error, wantErr bool) {
		t.Helper()
		if s.Text().Reveal() != text || changed != wantChanged || (err != nil) != wantErr {
			t.Errorf("%s: text %q, changed %v, error %v", step, s.Text().Reveal(), changed, err)
		}
	}
	changed, err := s.Refresh()
	check("as it was", "one", changed, false, err, false)

	write(t, path, "two, longer")
	changed, err = s.Refresh()
	check("written", "two, longer", changed, true, err, false)

	write(t, path+".new", "two, longer")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	changed, err = s.Refresh()
	check("replaced by the same", "two, longer", changed, true, err, false)

	write(t, path, "")
	changed, err = s.Refresh()
	check("emptied", "two, longer", changed, false, err, true)

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	changed, err = s.Refresh()
	check("removed", "two, longer", changed, false, err, true)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: %v", err)
	}

	write(t, path, "three")
	changed, err = s.Refresh()
	check("back", "three", changed, true, err, false)
	if want := "file " + path; s.String() != want {
		t.Errorf("String: %q, want %q", s, want)
	}
}

func TestBadFile(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct{ text, want string }{
		"empty":   {" \n", "it is empty"},
		"lines":   {"a\nb", "more than one line"},
		"control": {"a\x01b", "control characters"},
		"large":   {strings.Repeat("x", maxSize+1), "too large"},
	} {
		path := filepath.Join(dir, name)
		write(t, path, tt.text)
		_, err := FromFile(path)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q and the path", name, err, tt.want)
		}
	}
	if _, err := FromFile(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("GOSHAWK_TEST_SECRET", hushHush+"\n")
	s, err := FromEnv("GOSHAWK_TEST_SECRET")
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(); changed || err != nil || s.Text().Reveal() != hushHush {
		t.Errorf("text %q, changed %v, error %v", s.Text().Reveal(), changed, err)
	}
	if want := "environment variable GOSHAWK_TEST_SECRET"; s.String() != want {
		t.Errorf("String: %q, want %q", s, want)
	}
	if _, err := FromEnv("GOSHAWK_TEST_UNSET"); err == nil || !strings.Contains(err.Error(), "GOSHAWK_TEST_UNSET") {
		t.Errorf("unset: %v", err)
	}
}
