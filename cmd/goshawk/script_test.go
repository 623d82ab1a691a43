package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"goshawk": main})
}

// TestScripts runs the terminal sessions in testdata. Each works in a directory
// of its own; $PORT and $PORT2 are free when it starts. Condition watch holds where the agent
// can load its programs, nobody where a test can become another user.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"PORT", "PORT2"} {
				port, err := freePort()
				if err != nil {
					return err
				}
				env.Setenv(name, port)
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "watch":
				return os.Geteuid() == 0, nil
			case "nobody":
				return os.Geteuid() == 0 && onPath("setpriv"), nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"appears": appears, "open-to-all": openToAll, "stops": stops,
		},
	})
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func onPath(program string) bool {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if unix.Access(filepath.Join(dir, program), unix.X_OK) == nil {
			return true
		}
	}
	return false
}
