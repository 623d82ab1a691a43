package follow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// memory is what the file holds.
type memory struct {
	Sets []loader.Source    `json:"sets"`
	Good map[string]version `json:"good"`
}

// maxFile is larger than what can be written.
const maxFile = 128 << 20

// remember takes what the file holds, so that an agent that starts while there is no
// API server has the rules of before. A file that cannot be read is none.
func (f *Follower) remember() {
	if f.cfg.File == "" {
		return
	}
	m, err := readMemory(f.cfg.File)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			f.log.Warn("the rule sets of before the start are not known", zap.Error(err))
		}
		return
	}
	for _, s := range m.Sets {
		i := 0
		if s.Namespace != "" {
			i = 1
		}
		f.kinds[i].sets[s.Place()] = s
	}
	if m.Good != nil {
		f.good = m.Good
	}
}

func readMemory(name string) (memory, error) {
	var m memory
	info, err := os.Stat(name)
	if err != nil {
		return m, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return m, fmt.Errorf("%s is no file of rule sets", name)
	}
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return memory{}, fmt.Errorf("read %s: %w", name, err)
	}
	return m, nil
}

// save writes what is known to the file, whole or not at all.
func (f *Follower) save() {
	if f.cfg.File == "" {
		return
	}
	f.saving.Lock()
	defer f.saving.Unlock()
	m := memory{Good: map[string]version{}}
	f.mu.Lock()
	for i := range f.kinds {
		for _, s := range f.kinds[i].sets {
			m.Sets = append(m.Sets, s)
		}
	}
	for place, v := range f.good {
		m.Good[place] = v
	}
	f.mu.Unlock()
	if err := writeMemory(f.cfg.File, m); err != nil {
		f.log.Warn("a restart without the Kubernetes API would be without these rule sets", zap.Error(err))
	}
}

func writeMemory(name string, m memory) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write rule sets: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".rulesets-*") // readable by its owner alone
	if err != nil {
		return fmt.Errorf("write rule sets: %w", err)
	}
	defer os.Remove(temp.Name()) // it is gone if all went well
	_, err = temp.Write(text)
	if cerr := temp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write rule sets: %w", err)
	}
	return nil
}
