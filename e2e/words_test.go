package e2e_test

import (
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Words that a Kubernetes engineer would have to translate, in code and prose alike: doc.go has the terms to use instead.
func bannedWords() []string {
	return strings.Fields(`deed deeds story stories tale tales stranger strangers owed heir heirs kin namesake namesakes forerunner forerunners
		lifeline nasty hurt hurts astray whither herself roster`)
}

// Names that say too little or mean several things: banned as words of identifiers, not in prose.
func bannedNames() []string {
	return append(bannedWords(), strings.Fields(`standing losses asked given ship bench bakery bed night patient wears worn twofold unduly
		lifelines hindered withheld tenure calm restless meter teller`)...)
}

// TestWords keeps the vocabulary of the project to terms of the field.
func TestWords(t *testing.T) {
	paths := tracked(t, "*.go", "*.md", "*.yaml", "*.tmpl", "Makefile")
	if len(paths) == 0 {
		t.Fatal("expected git to know the files of the project, found none")
	}
	for _, path := range paths {
		if strings.Contains(path, "testdata/") || path == "e2e/words_test.go" {
			continue
		}
		data, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		if strings.HasSuffix(path, ".go") {
			goWords(data, found)
		} else {
			proseWords(string(data), found)
		}
		for word := range found {
			t.Errorf("%s: %q is no term of the field: e2e/doc.go has those to use", path, word)
		}
	}
}

// goWords notes the banned words in the identifiers, comments and string literals of a Go file.
func goWords(src []byte, found map[string]bool) {
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(src)), src, nil, scanner.ScanComments)
	for {
		_, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return
		case token.IDENT:
			for _, w := range identifierWords(lit) {
				if slices.Contains(bannedNames(), w) {
					found[lit] = true
				}
			}
		case token.COMMENT, token.STRING:
			proseWords(lit, found)
		}
	}
}

func proseWords(text string, found map[string]bool) {
	for _, w := range regexp.MustCompile(`[A-Za-z]+`).FindAllString(text, -1) {
		if slices.Contains(bannedWords(), strings.ToLower(w)) {
			found[w] = true
		}
	}
}

// identifierWords splits an identifier at its capitals.
func identifierWords(name string) []string {
	var words []string
	start := 0
	for i, r := range name {
		if i > start && unicode.IsUpper(r) {
			words = append(words, strings.ToLower(name[start:i]))
			start = i
		}
	}
	return append(words, strings.ToLower(name[start:]))
}

// tracked lists the files of the checkout that git knows, by pattern.
func tracked(t *testing.T, patterns ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", "..", "ls-files", "--"}, patterns...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err)
	}
	return strings.Fields(string(out))
}

func TestIdentifierWords(t *testing.T) {
	if got := identifierWords("nodeOutageHurt"); !slices.Equal(got, []string{"node", "outage", "hurt"}) {
		t.Errorf("found %q", got)
	}
	found := map[string]bool{}
	goWords([]byte("package a\n// a tale\nvar strangers = \"kin\""), found)
	if len(found) != 3 {
		t.Errorf("expected three words, found %v", found)
	}
}
