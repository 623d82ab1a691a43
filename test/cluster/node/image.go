package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// toolsFile is one program under many names: links, so that the image stays small.
const toolsFile = "FROM scratch\nCOPY tools /\nCMD [\"/bin/sleep\", \"1000000\"]\n"

// tools are the names of busybox in the image.
var tools = strings.Fields("sh ash cat chmod cp date echo env false grep head hostname httpd id kill ln ls mkdir mv nc nslookup ps rm sed seq sleep tail test touch tr true wc wget")

// makeImages makes localhost/pause:1, for sandboxes, and localhost/tools:1, a busybox.
func (n *Node) makeImages(ctx context.Context) error {
	dir := filepath.Join(n.Dir, "image")
	if err := write(dir, map[string]string{
		"pause.go": pauseSource, "pause.dockerfile": "FROM scratch\nCOPY pause /pause\nENTRYPOINT [\"/pause\"]\n",
		"tools.dockerfile": toolsFile,
		"tools/etc/passwd": "root:x:0:0:root:/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n",
		"tools/etc/group":  "root:x:0:\napp:x:1000:\n",
		"tools/etc/shadow": "root:*:19000:0:99999:7:::\n",
		"tools/tmp/keep":   "",
	}); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "pause"), filepath.Join(dir, "pause.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build pause: %w\n%s", err, out)
	}
	if err := linkTools(filepath.Join(dir, "tools/bin")); err != nil {
		return err
	}
	for _, name := range []string{"pause", "tools"} {
		if err := n.Image(ctx, "localhost/"+name+":1", filepath.Join(dir, name+".dockerfile"), dir); err != nil {
			return err
		}
	}
	return nil
}

// linkTools fills a directory with busybox and its names.
func linkTools(bin string) error {
	busybox, err := os.ReadFile("/usr/bin/busybox")
	if err != nil {
		return fmt.Errorf("busybox-static is missing: %w", err)
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bin, "busybox"), busybox, 0o755); err != nil {
		return err
	}
	for _, name := range tools {
		if err := os.Symlink("busybox", filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

// write writes files below a directory.
func write(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

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
	_, err := n.ctr(ctx, "images", "import", archive)
	return err
}
