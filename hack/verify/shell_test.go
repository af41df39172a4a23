package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFindScripts(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"a.sh":            "echo hi\n",
		"bare":            "#!/bin/sh\n",
		"env":             "#!/usr/bin/env bash\n",
		"spaced":          "#! /bin/dash -e\n",
		"local":           "#!/usr/local/bin/bash\n",
		"deep/er/script":  "#!/bin/bash\n",
		"python":          "#!/usr/bin/env python3\n",
		"fish":            "#!/usr/bin/fish\n",
		"text":            "sh\n",
		"empty":           "",
		"note.md":         "#!/bin/sh\n",
		".git/hook":       "#!/bin/sh\n",
		".bin/tool":       "#!/bin/sh\n",
		"report/leftover": "#!/bin/sh\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := findScripts(".")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.sh", "bare", "deep/er/script", "env", "local", "spaced"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
