package parentwatch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// holder names the variable that has this test program hold a lifeline, and tell where in the file of that name.
const holder = "LIFELINE_HOLDER"

func TestMain(m *testing.M) {
	file := os.Getenv(holder)
	if file == "" {
		os.Exit(m.Run())
	}
	path, _, err := Hold(context.Background()) //nolint:forbidigo // This is the main function of the process that is to be killed.
	if err == nil {
		err = os.WriteFile(file+".new", []byte(path), 0o600)
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

func TestKilledHolderIsNoticed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "path")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holder+"="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var path []byte
	for deadline := time.Now().Add(30 * time.Second); len(path) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the holder never told where its lifeline is")
		}
		path, _ = os.ReadFile(file)
	}
	lost := make(chan struct{})
	if err := Watch(t.Context(), string(path), func() { close(lost) }); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lost:
		t.Fatal("the lifeline was lost while its holder lived")
	case <-time.After(50 * time.Millisecond):
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Fatal("the holder was killed, and nobody noticed")
	}
	if _, err := os.Stat(filepath.Dir(string(path))); !os.IsNotExist(err) {
		t.Errorf("expected nothing to be left of a killed holder, found %v", err)
	}
}

func TestLetGo(t *testing.T) {
	path, letGo, err := Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan struct{})
	if err := Watch(t.Context(), path, func() { close(lost) }); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	if err := Watch(ended, path, func() { t.Error("who had stopped watching was told") }); err != nil {
		t.Fatal(err)
	}
	cancel()
	letGo()
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Error("expected the lifeline to be lost, found it is not")
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Errorf("expected nothing to be left, found %v", err)
	}
	if err := Watch(t.Context(), path, func() {}); err == nil {
		t.Error("expected an error where nobody holds a lifeline, found none")
	}
}
