package version

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

func TestOfCheckout(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when, folder, pattern string) {
		t.Helper()
		if found := OfCheckout(t.Context(), folder); !regexp.MustCompile("^" + pattern + "$").MatchString(found) {
			t.Errorf("%s: expected a version like %s, found %q", when, pattern, found)
		}
	}
	expect("no checkout", dir, Unknown)
	git("init", "--quiet")
	expect("no commit", dir, Unknown)
	write("main.go", "package main\n")
	git("add", "main.go")
	git("commit", "--quiet", "--message=first")
	expect("a commit", dir, "[0-9a-f]{12}")
	write("main.go", "package other\n")
	expect("a changed file", dir, "[0-9a-f]{12}-dirty")
	git("checkout", "--quiet", "main.go")
	write("new.go", "package main\n")
	expect("a new file", dir, "[0-9a-f]{12}-dirty")
	git("add", "new.go")
	git("tag", "v1.2.3")
	git("commit", "--quiet", "--message=second")
	expect("a commit after a tag", dir, "v1\\.2\\.3-1-g[0-9a-f]{12}")
	git("tag", "v1.3.0")
	expect("a tag", dir, "v1\\.3\\.0")
	below := filepath.Join(dir, "unpacked")
	if err := os.Mkdir(below, 0o750); err != nil {
		t.Fatal(err)
	}
	expect("below somebody else's checkout", below, Unknown)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	expect("behind a link", link, "v1\\.3\\.0")
	t.Setenv("PATH", t.TempDir())
	expect("no git", dir, Unknown)
}
