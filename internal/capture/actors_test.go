package capture_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// actors are the behaviours that a copy of the test binary can show.
var actors = map[string]func(args []string) error{
	"opens":      actOpens,
	"paths":      actPaths,
	"network":    actNetwork,
	"images":     actImages,
	"takes-away": actTakesAway,
	"swaps":      actSwaps,
	"count":      actCount,
	"fast-opens": actFastOpens,
	"waits":      actWaits,
	"hides":      actHides,
	"dangles":    actDangles,
	"resumes":    actResumes,
	"nothing":    func([]string) error { return nil },
}

// actOpens opens one file in every way that gives it another name. args: folder.
func actOpens(args []string) error {
	runtime.LockOSThread() // a new mount namespace and a chroot are this thread's alone
	dir := args[0]
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		return err
	}
	if err := os.Symlink("secret", filepath.Join(dir, "link")); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	bound := filepath.Join(dir, "bound")
	if err := os.Mkdir(bound, 0o700); err != nil {
		return err
	}
	if err := unix.Mount(dir, bound, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	whole := filepath.Join(dir, "whole")
	if err := os.Mkdir(whole, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("/", whole, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	dirfd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	opens := []func() (int, error){
		func() (int, error) { return unix.Open(filepath.Join(dir, "link"), unix.O_RDONLY, 0) },
		func() (int, error) { return unix.Open(filepath.Join(dir, "link"), unix.O_WRONLY, 0) },
		func() (int, error) { return unix.Open(filepath.Join(bound, "secret"), unix.O_RDONLY, 0) },
		func() (int, error) { return unix.Open(filepath.Join(whole, "etc/passwd"), unix.O_RDONLY, 0) },
		func() (int, error) { return unix.Openat(dirfd, "./secret", unix.O_RDONLY, 0) },
		func() (int, error) {
			return unix.Openat2(dirfd, "secret", &unix.OpenHow{Flags: unix.O_RDWR, Resolve: unix.RESOLVE_BENEATH})
		},
		func() (int, error) { return unix.Openat(dirfd, "missing", unix.O_RDONLY, 0) },
		func() (int, error) { return creat(filepath.Join(dir, "made")) },
		func() (int, error) { return unix.Open("/proc/self/root"+file, unix.O_RDONLY|unix.O_CLOEXEC, 0) },
	}
	for _, open := range opens {
		if fd, err := open(); err == nil {
			unix.Close(fd)
		}
	}
	if err := unix.Chroot(dir); err != nil {
		return err
	}
	if fd, err := unix.Open("/secret", unix.O_RDONLY|unix.O_NOFOLLOW, 0); err == nil {
		unix.Close(fd)
	}
	unix.Open("/gone/../missing", unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	return nil
}

func creat(path string) (int, error) {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	fd, _, errno := unix.Syscall(sysCreat, uintptr(unsafe.Pointer(p)), 0o600, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// actPaths changes names. args: folder.
func actPaths(args []string) error {
	dir := args[0]
	if err := os.Chdir(dir); err != nil {
		return err
	}
	dirfd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return errors.Join(
		unix.Mkdirat(unix.AT_FDCWD, "sub", 0o755),
		os.WriteFile("a", nil, 0o600),
		unix.Renameat2(unix.AT_FDCWD, "a", dirfd, "sub/../b", 0),
		unix.Linkat(dirfd, "b", unix.AT_FDCWD, "c", 0),
		unix.Symlinkat("/etc/shadow", dirfd, "d"),
		unix.Fchmodat(dirfd, "b", 0o4755, 0),
		unix.Fchmod(dirfd, 0o700),
		unix.Unlinkat(dirfd, "c", 0),
		unix.Unlinkat(unix.AT_FDCWD, "sub", unix.AT_REMOVEDIR),
		expect(unix.ENOENT, unix.Unlinkat(dirfd, "c", 0)),
	)
}

func expect(want, got error) error {
	if errors.Is(got, want) {
		return nil
	}
	return fmt.Errorf("got %v, want %w", got, want)
}

// actNetwork connects in every way. args: address that answers, one that refuses,
// unix socket.
func actNetwork(args []string) error {
	for _, address := range args[:2] {
		if c, err := net.Dial("tcp", address); err == nil {
			if _, err := unix.Dup(fdOf(c)); err != nil {
				return err
			}
			c.Close()
		}
	}
	if c, err := net.Dial("udp", args[0]); err == nil {
		c.Close()
	}
	if c, err := net.Dial("unix", args[2]); err == nil {
		c.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go net.Dial("tcp", l.Addr().String())
	c, err := l.Accept()
	if err != nil {
		return err
	}
	return c.Close()
}

func fdOf(c net.Conn) int {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return -1
	}
	got := -1
	raw.Control(func(fd uintptr) { got = int(fd) })
	return got
}

// actImages starts programs. args: folder.
func actImages(args []string) error {
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	exec.Command("./missing").Run()
	unix.Exec(filepath.Join(args[0], "missing"), []string{"missing"}, nil)
	fd, err := unix.MemfdCreate("payload", 0)
	if err != nil {
		return err
	}
	text, err := os.ReadFile("/proc/self/exe") // no other program is sure to exist and to need nothing
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, text); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/fd/"+strconv.Itoa(fd), "one", "two words")
	cmd.ExtraFiles = nil
	if cmd.Stdin, err = os.Open("/dev/null"); err != nil {
		return err
	}
	cmd.Args[0] = "disguise"
	cmd.Env = append(os.Environ(), actorVariable+"=nothing")
	return cmd.Run()
}

// actTakesAway opens a FIFO for writing with a name in memory that another
// thread unmaps while the call waits for a reader. args: folder.
func actTakesAway(args []string) error {
	fifo := filepath.Join(args[0], "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		return err
	}
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	copy(page, fifo+"\x00")
	address := uintptr(unsafe.Pointer(&page[0]))
	done := make(chan error)
	go func() {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, fdcwd, address, unix.O_WRONLY, 0, 0, 0)
		if errno != 0 {
			done <- errno
			return
		}
		done <- unix.Close(int(fd))
	}()
	time.Sleep(100 * time.Millisecond) // the call waits for a reader by then
	if err := unix.Munmap(page); err != nil {
		return err
	}
	r, err := os.Open(fifo)
	if err != nil {
		return err
	}
	defer r.Close()
	return <-done
}

// actSwaps connects, and while the call waits another thread puts another socket
// in its descriptor's place. args: address whose queue is full, another.
func actSwaps(args []string) error {
	full, err := net.ResolveTCPAddr("tcp", args[0])
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	decoy, err := net.Dial("tcp", args[1])
	if err != nil {
		return err
	}
	done := make(chan error)
	go func() { done <- unix.Connect(fd, &unix.SockaddrInet4{Port: full.Port, Addr: [4]byte{127, 0, 0, 1}}) }()
	time.Sleep(100 * time.Millisecond) // the call waits for an answer by then
	if err := unix.Dup3(fdOf(decoy), fd, 0); err != nil {
		return err
	}
	fmt.Println("swapped") // the test now makes room
	return <-done
}

// actWaits says that it runs, waits for the end of its input and exits with 3.
func actWaits([]string) error {
	fmt.Println("running")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	os.Exit(3)
	return nil
}

// actCount makes a number of calls that no file answers to. args: number.
func actCount(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	path, err := unix.BytePtrFromString("/goshawk-test-counts-calls")
	if err != nil {
		return err
	}
	for range n {
		unix.Syscall6(unix.SYS_EXECVEAT, fdcwd, uintptr(unsafe.Pointer(path)), 0, 0, 0, 0)
	}
	return nil
}

const fdcwd = ^uintptr(99) // AT_FDCWD, -100
