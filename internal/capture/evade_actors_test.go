package capture_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// actFastOpens connects by sending with MSG_FASTOPEN, and then fails to connect to
// a unix socket. args: address that answers, path.
func actFastOpens(args []string) error {
	to, err := net.ResolveTCPAddr("tcp", args[0])
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	local, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return expect(unix.ENOENT, unix.Connect(local, &unix.SockaddrUnix{Name: args[1]}))
}

// actDangles connects to an address that does not answer, until it is killed.
func actDangles(args []string) error {
	to, err := net.ResolveTCPAddr("tcp", args[0])
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte{127, 0, 0, 1}})
}

// actResumes connects by TCP, which takes as long as the test wants, and then, when
// it is told to, fails to connect to a unix socket from the same thread. args:
// address whose queue is full, path.
func actResumes(args []string) error {
	runtime.LockOSThread()
	to, err := net.ResolveTCPAddr("tcp", args[0])
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	go func() {
		time.Sleep(100 * time.Millisecond) // the call waits for an answer by then
		fmt.Println("waits")
	}()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	fmt.Println("connected")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	local, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return expect(unix.ENOENT, unix.Connect(local, &unix.SockaddrUnix{Name: args[1]}))
}

// actHides opens files where names are hard to follow. args: folder.
func actHides(args []string) error {
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	dirfd, err := unix.Open(".", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	how := &unix.OpenHow{Flags: unix.O_RDWR | unix.O_CREAT, Mode: 0o600, Resolve: unix.RESOLVE_IN_ROOT}
	inRoot, err := unix.Openat2(dirfd, "/rooted", how)
	if err != nil {
		return err
	}
	for range deepLevels {
		if err := errors.Join(os.Mkdir("d", 0o700), os.Chdir("d")); err != nil {
			return err
		}
	}
	deep, err := os.Create("deep")
	if err != nil {
		return err
	}
	context, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.FsconfigCreate(context); err != nil {
		return err
	}
	mount, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Mkdirat(mount, "etc", 0o700); err != nil {
		return err
	}
	nowhere, err := unix.Openat(mount, "etc/shadow", unix.O_CREAT|unix.O_WRONLY, 0o600)
	return errors.Join(err, deep.Close(), unix.Close(inRoot), unix.Close(nowhere))
}

// deepLevels is how many folders lie above a file that is hard to reach.
const deepLevels = 150

// deepPath is the file that actHides makes below dir.
func deepPath(dir string) string { return dir + strings.Repeat("/d", deepLevels) + "/deep" }
