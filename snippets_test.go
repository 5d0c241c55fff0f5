package rotatelog_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// around is the program around statements in the documents: imports, and what the text
// has declared before.
const around = `package p

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"example.com/rotatelog/s3store"
)

var creds aws.CredentialsProvider

func _() {
%s
}
`

// snippets type-checks statements of the documents.
type snippets struct {
	files *token.FileSet
	types.Config
}

func newSnippets(t *testing.T) *snippets {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	imports, err := parser.ParseFile(token.NewFileSet(), "", fmt.Sprintf(around, ""), parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}
	for _, spec := range imports.Imports {
		args = append(args, strings.Trim(spec.Path.Value, `"`))
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go %q: %v", args, err)
	}
	compiled := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		compiled[path] = file
	}
	s := &snippets{files: token.NewFileSet()}
	s.Importer = importer.ForCompiler(s.files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(compiled[path]) })
	return s
}

// check returns what is wrong with statements, but for what they declare and do not use.
func (s *snippets) check(code string) error {
	file, err := parser.ParseFile(s.files, "snippet.go", fmt.Sprintf(around, code), 0)
	if err != nil {
		return err
	}
	var first error
	s.Error = func(err error) {
		if e, ok := err.(types.Error); ok && !e.Soft && first == nil {
			first = err
		}
	}
	s.Check("p", s.files, []*ast.File{file}, nil)
	return first
}
