package rotatelog_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// documents returns the text of every file of the repository whose name has the suffix.
func documents(t *testing.T, suffix string) map[string]string {
	t.Helper()
	found := map[string]string{}
	repository := os.DirFS(".")
	err := fs.WalkDir(repository, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, suffix):
			return nil
		}
		b, err := fs.ReadFile(repository, name)
		found[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fences are the blocks of code of a document; their language is the first group.
var fences = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// headings returns the anchors that GitHub gives to the headings of a document.
func headings(markdown string) map[string]bool {
	anchors := map[string]bool{}
	for line := range strings.Lines(fences.ReplaceAllString(markdown, "")) {
		level, title, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.Trim(level, "#") != "" {
			continue
		}
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		unique := anchor
		for n := 1; anchors[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", anchor, n)
		}
		anchors[unique] = true
	}
	return anchors
}

// Every relative link of the documents leads to a file, and to a heading if it names one.
func TestLinksInDocuments(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^()\s]+)\)`)
	all := documents(t, ".md")
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, anchor, hasAnchor := strings.Cut(target, "#")
			file = path.Join(path.Dir(name), file)
			if strings.HasPrefix(target, "#") {
				file = name
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			} else if hasAnchor && !headings(all[file])[anchor] {
				t.Errorf("%s links to %s, but %s has no such heading", name, target, file)
			}
		}
	}
	if len(all) < 5 {
		t.Errorf("found %d documents only", len(all))
	}
}

// The Go functions in the documents are functions of the examples, so that they compile
// and run. All other Go code in them compiles.
func TestGoInDocuments(t *testing.T) {
	var source strings.Builder
	for name, text := range documents(t, "_test.go") {
		if strings.HasPrefix(name, "example_") {
			source.WriteString(text)
		}
	}
	statements := newSnippets(t)
	functions := 0
	for name, text := range documents(t, ".md") {
		for _, m := range fences.FindAllStringSubmatch(text, -1) {
			language, code := m[1], m[2]
			switch {
			case language != "go":
			case strings.HasPrefix(code, "func "):
				functions++
				if !strings.Contains(source.String(), "\n"+code) {
					t.Errorf("this function of %s is not in an example:\n%s", name, code)
				}
			default:
				if err := statements.check(code); err != nil {
					t.Errorf("this code of %s does not compile: %v\n%s", name, err, code)
				}
			}
		}
	}
	if functions != 3 {
		t.Errorf("the documents have %d functions in Go, want 3", functions)
	}
}

// Each message that docs/TROUBLESHOOTING.md explains is in the code. "…" stands for a
// value.
func TestMessagesInTroubleshooting(t *testing.T) {
	var code strings.Builder
	for name, text := range documents(t, ".go") {
		if !strings.HasSuffix(name, "_test.go") {
			code.WriteString(text)
		}
	}
	// Texts that continue in the next line are joined.
	source := regexp.MustCompile(`" \+\s+"`).ReplaceAllString(code.String(), "")
	source = strings.NewReplacer(`\"`, `"`).Replace(source)
	text, err := os.ReadFile("docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	for line := range strings.Lines(string(text)) {
		first := strings.TrimPrefix(line, "| ")
		if first == line || !strings.HasPrefix(first, "`") {
			continue
		}
		first, _, _ = strings.Cut(first, " | ")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			messages++
			for piece := range strings.SplitSeq(m[1], "…") {
				if !strings.Contains(source, strings.TrimSpace(piece)) {
					t.Errorf("the code has no message with %q", piece)
				}
			}
		}
	}
	if messages < 50 {
		t.Errorf("found %d messages only", messages)
	}
}

// docs/TROUBLESHOOTING.md explains each finding of package archive, and each of its errors.
func TestArchiveInTroubleshooting(t *testing.T) {
	text, err := os.ReadFile("docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for name, file := range documents(t, ".go") {
		if strings.HasPrefix(name, "archive/") && !strings.HasSuffix(name, "_test.go") {
			source.WriteString(file)
		}
	}
	codes := regexp.MustCompile(`(?m)^\t\w+ +Code = "(\w+)"`).FindAllStringSubmatch(source.String(), -1)
	for _, m := range codes {
		if !strings.Contains(string(text), "\n### "+m[1]+"\n") {
			t.Errorf("the finding %q is not explained", m[1])
		}
	}
	inError := regexp.MustCompile(`Err: [\w.(]*(?:errors\.New|fmt\.Errorf)\("([^"]*)"|fmt\.Errorf\("([^"]*%w[^"]*)"`)
	errs := inError.FindAllStringSubmatch(source.String(), -1)
	for _, m := range errs {
		for _, piece := range regexp.MustCompile(`%[a-z]`).Split(m[1]+m[2], -1) {
			if piece = strings.Trim(piece, ": "); !strings.Contains(string(text), piece) {
				t.Errorf("the error %q is not explained", m[1]+m[2])
			}
		}
	}
	if len(codes) < 30 || len(errs) < 12 {
		t.Errorf("found %d findings and %d errors only", len(codes), len(errs))
	}
}

// The tests that the documents name exist. "TestCrash…" names all that begin so.
func TestTestsInDocuments(t *testing.T) {
	var code strings.Builder
	for name, text := range documents(t, "_test.go") {
		if name != "docs_test.go" {
			code.WriteString(text)
		}
	}
	names := 0
	for name, text := range documents(t, ".md") {
		for _, m := range regexp.MustCompile("`(Test[A-Z]\\w*)(…?)`").FindAllStringSubmatch(text, -1) {
			names++
			test, end := m[1], "("
			if m[2] != "" {
				end = ""
			}
			if !strings.Contains(code.String(), "\nfunc "+test+end) {
				t.Errorf("%s names %s, which is no test", name, m[0])
			}
		}
	}
	if names < 50 {
		t.Errorf("found %d names only", names)
	}
}

// Each block of commands is run by a test, or by .ci/run. Whoever writes another one adds
// it to what runs those of the document. What developers type takes too long, but what it
// names is there.
func TestCommandsInDocuments(t *testing.T) {
	run := map[string]int{
		"README.md":          4,  // by .ci/run and TestMovingInOfREADME
		"docs/SETUP.md":      5,  // by TestServerSetUp
		"docs/S3.md":         1,  // by TestLifecycleRulesOfDocument
		"docs/READING.md":    3,  // by TestShellInReading
		"docs/OPERATIONS.md": 10, // by TestServerDrill… and TestNewKeyOfOperations
	}
	developers := 0
	for name, text := range documents(t, ".md") {
		blocks := 0
		for _, m := range fences.FindAllStringSubmatch(text, -1) {
			if m[1] != "sh" {
				continue
			}
			blocks++
			if run[name] == 0 {
				developers++
				wantNamed(t, name, m[2])
			}
		}
		if run[name] > 0 && blocks != run[name] {
			t.Errorf("%s has %d blocks of commands, of which %d are run", name, blocks, run[name])
		}
	}
	if developers < 6 {
		t.Errorf("found %d blocks of what developers type only", developers)
	}
}

// wantNamed checks that the tests and programs that commands name are there.
func wantNamed(t *testing.T, document, commands string) {
	t.Helper()
	var tests []string
	for _, text := range documents(t, "_test.go") {
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(`).FindAllStringSubmatch(text, -1) {
			tests = append(tests, m[1])
		}
	}
	for _, m := range regexp.MustCompile(`-(?:run|fuzz|list) '?([^ ']+)`).FindAllStringSubmatch(commands, -1) {
		for pattern := range strings.SplitSeq(m[1], "|") {
			if pattern != "^$" && !slices.ContainsFunc(tests, regexp.MustCompile(pattern).MatchString) {
				t.Errorf("%s: no test is %s", document, pattern)
			}
		}
	}
	for _, program := range regexp.MustCompile(`\.ci/\w+|\./(?:examples|cmd)/\w+`).FindAllString(commands, -1) {
		if _, err := os.Stat(program); err != nil {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// The source files that the documents name exist, and the package map has all of the
// root's.
func TestSourceFilesInDocuments(t *testing.T) {
	source := documents(t, ".go")
	for name, text := range documents(t, ".md") {
		for _, m := range regexp.MustCompile("`([\\w/]+\\.go)`").FindAllStringSubmatch(text, -1) {
			if _, ok := source[m[1]]; !ok && name != "CHANGELOG.md" {
				t.Errorf("%s names %s, which does not exist", name, m[1])
			}
		}
	}
	architecture := documents(t, ".md")["docs/ARCHITECTURE.md"]
	for name := range source {
		if !strings.Contains(name, "/") && !strings.HasSuffix(name, "_test.go") && name != "doc.go" && !strings.Contains(architecture, "`"+name+"`") {
			t.Errorf("docs/ARCHITECTURE.md does not say what %s is for", name)
		}
	}
}

// The pictures are XML without scripts, and each is in a document.
func TestPicturesInDocuments(t *testing.T) {
	var text strings.Builder
	for _, markdown := range documents(t, ".md") {
		text.WriteString(markdown)
	}
	for name, picture := range documents(t, ".svg") {
		if !strings.Contains(text.String(), path.Base(name)) {
			t.Errorf("no document shows %s", name)
		}
		var elements []string
		for d := xml.NewDecoder(strings.NewReader(picture)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if start, ok := token.(xml.StartElement); ok {
				elements = append(elements, start.Name.Local)
			}
		}
		if len(elements) == 0 || elements[0] != "svg" || slices.Contains(elements, "script") || slices.Contains(elements, "foreignObject") {
			t.Errorf("%s is not a plain picture: %v", name, elements)
		}
	}
}
