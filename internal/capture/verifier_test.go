package capture

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/goshawk-security/goshawk/internal/event"
)

// verifierLimit is what the kernel examines of one program before it gives up
// (BPF_COMPLEXITY_LIMIT_INSNS, since Linux 5.2).
const verifierLimit = 1_000_000

var processed = regexp.MustCompile(`processed (\d+) insns`)

// TestLiveVerifier loads every program and logs what it costs the verifier. Half
// of the limit must stay free for kernels that follow more paths than this one.
func TestLiveVerifier(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: loads programs into the kernel")
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Flavour{Direct, Probed} {
		t.Run(f.String(), func(t *testing.T) {
			if f == Direct && bestFlavour(kernel) != Direct {
				t.Skip("kernel before 6.2: no bpf_rdonly_cast")
			}
			spec, err := loadSpec(f)
			if err != nil {
				t.Fatal(err)
			}
			cfg := (&Config{Environ: true}).withDefaults()
			if err := configure(spec, cfg, event.Types(), kernel); err != nil {
				t.Fatal(err)
			}
			if err := rlimit.RemoveMemlock(); err != nil {
				t.Fatal(err)
			}
			coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
				Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats},
			})
			if err != nil {
				t.Fatalf("%+v", err)
			}
			defer coll.Close()
			for _, name := range slices.Sorted(maps.Keys(coll.Programs)) {
				checkProcessed(t, name, coll.Programs[name].VerifierLog)
			}
		})
	}
}

func checkProcessed(t *testing.T, name, log string) {
	t.Helper()
	m := processed.FindStringSubmatch(log)
	if m == nil {
		t.Errorf("%s: the verifier does not say how much it processed: %s", name, log)
		return
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%-20s processed %6d insns", name, n)
	if n > verifierLimit/2 {
		t.Errorf("%s costs the verifier %d instructions of %d", name, n, verifierLimit)
	}
}
