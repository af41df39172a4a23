package nslookup

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzParse parses anything: Parse must not panic, must be deterministic, and must keep what an Answer promises.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("found %d captured outputs (error: %v), expected some to start from", len(files), err)
	}
	for _, file := range files {
		output, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(output))
	}
	f.Fuzz(func(t *testing.T, output string) {
		a, err := Parse(output)
		second, errSecond := Parse(output)
		if !reflect.DeepEqual(a, second) || (err == nil) != (errSecond == nil) {
			t.Fatalf("Parse(%q) gave two answers:\n%+v, %v\n%+v, %v", output, a, err, second, errSecond)
		}
		seen := map[string]bool{}
		for _, n := range a.Names {
			if n.Name == "" || n.Name != normal(n.Name) || seen[n.Name] {
				t.Errorf("name %q: expected it once, in its normal form", n.Name)
			}
			seen[n.Name] = true
			for _, addr := range n.IPv4 {
				if !addr.Is4() {
					t.Errorf("%s: %v among the IPv4 addresses", n.Name, addr)
				}
			}
			for _, addr := range n.IPv6 {
				if !addr.Is6() {
					t.Errorf("%s: %v among the IPv6 addresses", n.Name, addr)
				}
			}
			if got := a.Status(n.Name); err == nil && got == Unknown && a.Empty == 0 {
				t.Errorf("%s is in the output, yet its status is unknown: %+v", n.Name, n)
			}
		}
		if got := a.Addrs(); len(got) > 0 && len(a.Names) == 0 {
			t.Errorf("addresses without a name: %v", got)
		}
	})
}
