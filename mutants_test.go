package rotatelog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog/internal/depth"
)

// To build the tests takes longer than to run those that notice a defect. So most defects
// are built into one program: the function that has one is there twice, and its first
// statement says which of the two runs. A defect that is not within one function, or is
// where a goroutine begins, since the simulation goes by the names of those, is built alone.

// whichMutant is the variable of the environment that says which defect a program has.
const whichMutant = "GO_MUTANT"

// TestMutations breaks the code on purpose, one defect at a time, and wants the
// tests named beside it to notice, as deep as an ordinary run is.
func TestMutations(t *testing.T) {
	if !depth.Full() {
		t.Skipf("it runs the tests once for each defect, which takes several minutes; %s=1 runs it", depth.Variable)
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	all := newMutants(t)
	for i, m := range mutations() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			out, err := all.run(t, i, m)
			t.Logf("%v", time.Since(begin).Round(time.Second))
			if err == nil {
				t.Errorf("nothing noticed it:\n%s", out)
			} else if !strings.Contains(string(out), "--- FAIL: Test") {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		all.runWithout(t)
	})
}

// mutants are all defects, and the programs that have those of them that go together.
type mutants struct {
	overlay  string       // of the code with all of them
	together map[int]bool // those that it has
	programs map[string]func() (string, error)
}

// newMutants puts as many defects as go together into the code.
func newMutants(t *testing.T) *mutants {
	t.Helper()
	a := &mutants{together: map[int]bool{}, programs: map[string]func() (string, error){}}
	files := map[string]*mutantFile{}
	for i, m := range mutations() {
		f := files[m.file]
		if f == nil {
			f = newMutantFile(t, m.file)
			files[m.file] = f
		}
		a.together[i] = f.add(i, mutated(t, m))
	}
	dir := t.TempDir()
	replaced := map[string]string{}
	for name, f := range files {
		replaced[name] = f.source()
		replaced[filepath.Join(filepath.Dir(name), "zz_mutant.go")] = fmt.Sprintf(
			"package %s\n\nimport \"os\"\n\nvar mutant__ = os.Getenv(%q)\n", f.file.Name.Name, whichMutant)
	}
	a.overlay = overlay(t, dir, replaced)
	for i, m := range mutations() {
		for _, pkg := range m.packages(t) {
			if a.together[i] && a.programs[pkg] == nil {
				to := filepath.Join(dir, strings.ReplaceAll(pkg, "/", "_")+".test")
				a.programs[pkg] = sync.OnceValues(func() (string, error) { return to, goTest(t, "-overlay", a.overlay, "-c", "-o", to, pkg) })
			}
		}
	}
	return a
}

// run runs the tests that are to notice a defect.
func (a *mutants) run(t *testing.T, i int, m mutation) (out []byte, err error) {
	args := append([]string{"-test.failfast", "-test.timeout=5m", "-test.run", m.run}, strings.Fields(m.args)...)
	for _, pkg := range m.packages(t) {
		var program string
		if a.together[i] {
			program, err = a.programs[pkg]()
		} else {
			dir := t.TempDir()
			program = filepath.Join(dir, "alone.test")
			err = goTest(t, "-overlay", overlay(t, dir, map[string]string{m.file: mutated(t, m)}), "-c", "-o", program, pkg)
		}
		if err != nil {
			return nil, err
		}
		if out, err = runMutant(t, program, pkg, fmt.Sprint(i), args); err != nil {
			return out, err
		}
	}
	return out, nil
}

// runWithout runs all these tests on the programs as if they had no defect: they must pass.
func (a *mutants) runWithout(t *testing.T) {
	tests, flags := map[string][]string{}, map[string]string{}
	for i, m := range mutations() {
		for _, pkg := range m.packages(t) {
			if a.together[i] && !slices.Contains(tests[pkg], m.run) {
				tests[pkg] = append(tests[pkg], m.run)
			}
			flags[pkg] = max(flags[pkg], m.args)
		}
	}
	for pkg, runs := range tests {
		for i, run := range runs {
			runs[i], _, _ = strings.Cut(run, "/")
		}
		program, err := a.programs[pkg]()
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-test.run", strings.Join(runs, "|")}, strings.Fields(flags[pkg])...)
		if out, err := runMutant(t, program, pkg, "", args); err != nil {
			t.Errorf("%s without a defect: %v\n%s", pkg, err, out)
		}
	}
}

// goTest builds or runs tests. Neither inlined nor linked for a debugger, they are built in
// two thirds of the time.
func goTest(t *testing.T, args ...string) error {
	args = append([]string{"test", "-vet=off", "-gcflags=-l", "-ldflags=-s -w"}, args...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = depth.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// runMutant runs the tests of a package that has a defect.
func runMutant(t *testing.T, program, pkg, which string, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 7*time.Minute) // longer than the tests have
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = pkg
	cmd.Env = append(depth.Environ(), whichMutant+"="+which)
	return cmd.CombinedOutput()
}

// overlay writes sources, by the names of the files that they replace, and what go's
// -overlay wants to know of them.
func overlay(t *testing.T, dir string, sources map[string]string) string {
	t.Helper()
	replace := map[string]string{}
	for name, source := range sources {
		original, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		replace[original] = filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(replace[original], []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// mutantFile is a source file into which defects are put.
type mutantFile struct {
	text  string
	file  *ast.File
	first map[int]string // what is put behind the brace at an offset
	more  []string       // functions with defects
}

func newMutantFile(t *testing.T, name string) *mutantFile {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &mutantFile{text: string(text), file: file, first: map[int]string{}}
}

// add adds the defect i, by which the file becomes mutated, if it can go with others.
func (f *mutantFile) add(i int, mutated string) bool {
	begin, end := difference(f.text, mutated)
	for _, d := range f.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || begin <= f.offset(fn.Body.Lbrace) || end > f.offset(fn.Body.Rbrace) {
			continue
		}
		call, ok := callOf(fn, fmt.Sprintf("%s__%d", fn.Name.Name, i))
		copied := mutated[f.offset(fn.Type.Func) : f.offset(fn.End())+len(mutated)-len(f.text)]
		if !ok || strings.Contains(copied, "\tgo ") || strings.Contains(copied, ".Go(") {
			return false
		}
		f.first[f.offset(fn.Body.Lbrace)+1] += fmt.Sprintf("\nif mutant__ == \"%d\" {\n%s\n}\n", i, call)
		at := f.offset(fn.Name.End()) - f.offset(fn.Type.Func)
		f.more = append(f.more, fmt.Sprintf("%s__%d%s", copied[:at], i, copied[at:]))
		return true
	}
	return false
}

func (f *mutantFile) offset(p token.Pos) int { return int(p - f.file.FileStart) }

// source returns the file with all defects that were added.
func (f *mutantFile) source() string {
	text := f.text
	offsets := make([]int, 0, len(f.first))
	for at := range f.first {
		offsets = append(offsets, at)
	}
	slices.Sort(offsets)
	for _, at := range slices.Backward(offsets) {
		text = text[:at] + f.first[at] + text[at:]
	}
	return text + "\n" + strings.Join(f.more, "\n\n")
}

// difference returns where a differs from b.
func difference(a, b string) (begin, end int) {
	for begin < min(len(a), len(b)) && a[begin] == b[begin] {
		begin++
	}
	end = len(a)
	for end > begin && len(b)-(len(a)-end) > begin && a[end-1] == b[len(b)-(len(a)-end)-1] {
		end--
	}
	return begin, end
}

// callOf returns the statement by which a function ends with what another of its type
// does. ok is false if not all that has to be handed on has a name.
func callOf(fn *ast.FuncDecl, name string) (call string, ok bool) {
	if fn.Type.TypeParams != nil {
		return "", false
	}
	if fn.Recv != nil {
		receiver, ok := namesOf(fn.Recv)
		if _, generic := fn.Recv.List[0].Type.(*ast.IndexExpr); !ok || generic {
			return "", false
		}
		name = receiver[0] + "." + name
	}
	args, ok := namesOf(fn.Type.Params)
	if !ok {
		return "", false
	}
	if n := len(fn.Type.Params.List); n > 0 {
		if _, variadic := fn.Type.Params.List[n-1].Type.(*ast.Ellipsis); variadic {
			args[len(args)-1] += "..."
		}
	}
	call = fmt.Sprintf("%s(%s)", name, strings.Join(args, ", "))
	if fn.Type.Results == nil {
		return call + "\nreturn", true
	}
	return "return " + call, true
}

// namesOf returns the names of parameters. ok is false if one has none.
func namesOf(list *ast.FieldList) (names []string, ok bool) {
	for _, field := range list.List {
		if len(field.Names) == 0 {
			return nil, false
		}
		for _, n := range field.Names {
			if n.Name == "_" {
				return nil, false
			}
			names = append(names, n.Name)
		}
	}
	return names, true
}
