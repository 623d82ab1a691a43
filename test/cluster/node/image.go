package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pauseSource is the program of a sandbox: it waits for the end.
const pauseSource = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
}
`

// makeImages makes localhost/pause:1, for sandboxes, and localhost/tools:1, a busybox.
func (n *Node) makeImages(ctx context.Context) error {
	dir := filepath.Join(n.Dir, "image")
	if err := os.WriteFile(filepath.Join(dir, "pause.go"), []byte(pauseSource), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "pause"), filepath.Join(dir, "pause.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build pause: %w\n%s", err, out)
	}
	busybox, err := os.ReadFile("/usr/bin/busybox")
	if err != nil {
		return fmt.Errorf("install busybox-static: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "busybox"), busybox, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"pause": "FROM scratch\nCOPY pause /pause\nENTRYPOINT [\"/pause\"]\n",
		"tools": toolsFile,
	} {
		if err := os.WriteFile(filepath.Join(dir, "passwd"), []byte("root:x:0:0:root:/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"), 0o644); err != nil {
			return err
		}
		file := filepath.Join(dir, name+".dockerfile")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		if err := n.Image(ctx, "localhost/"+name+":1", file, dir); err != nil {
			return err
		}
	}
	return nil
}

// toolsFile links no program: busybox does it itself when the image is used (with
// chroot isolation RUN would need a shell before there is one).
const toolsFile = `FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY busybox /bin/cat
COPY busybox /bin/nc
COPY busybox /bin/sleep
COPY busybox /bin/wget
COPY busybox /bin/ls
COPY busybox /bin/true
COPY busybox /bin/httpd
COPY passwd /etc/passwd
COPY passwd /etc/shadow
CMD ["/bin/sleep", "1000000"]
`

// Image builds an image from a Dockerfile and gives it to the runtime.
func (n *Node) Image(ctx context.Context, name, dockerfile, dir string, args ...string) error {
	store := filepath.Join(n.Dir, "buildah")
	archive := filepath.Join(n.Dir, "image", filepath.Base(dockerfile)+".tar")
	_ = os.Remove(archive)
	build := append([]string{"--root", store + "/root", "--runroot", store + "/run", "bud", "--isolation", "chroot", "-t", name, "-f", dockerfile}, args...)
	for _, step := range [][]string{
		append(build, dir),
		{"--root", store + "/root", "--runroot", store + "/run", "push", name, "docker-archive:" + archive + ":" + name},
	} {
		cmd := exec.CommandContext(ctx, "buildah", step...)
		cmd.Env = append(os.Environ(), "STORAGE_DRIVER=vfs")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("buildah %s: %w\n%s", step[4], err, out)
		}
	}
	return n.Import(ctx, archive)
}

// Import gives an archive of images to the runtime.
func (n *Node) Import(ctx context.Context, archive string) error {
	_, err := n.output(ctx, "ctr", "--address", n.Socket, "--namespace", "k8s.io", "images", "import", archive)
	return err
}
