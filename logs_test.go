package rotatelog_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logMessage is a line that the library logs.
type logMessage struct {
	text  string // "…" stands for a value
	level string // "" if it depends
	keys  []string
	at    token.Position
}

// logMessages returns the calls of a *slog.Logger in the library and in the command.
func logMessages(t *testing.T) []logMessage {
	t.Helper()
	var found []logMessage
	for name, source := range documents(t, ".go") {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "examples/") || strings.HasPrefix(name, "bench/") {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if m, ok := logCall(t, call); ok {
				m.at = files.Position(call.Pos())
				found = append(found, m)
			}
			return true
		})
	}
	slices.SortFunc(found, func(a, b logMessage) int { return strings.Compare(a.text, b.text) })
	return found
}

// logCall returns what a call logs. ok is false if it is another call.
func logCall(t *testing.T, call *ast.CallExpr) (m logMessage, ok bool) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !isLogger(method.X) {
		return m, false
	}
	args := call.Args
	switch name := strings.TrimSuffix(method.Sel.Name, "Context"); name {
	case "Debug", "Info", "Warn", "Error":
		m.level = strings.ToLower(name)
		if name != method.Sel.Name {
			args = args[1:]
		}
	case "Log":
		args = args[2:]
	case "Default", "New", "StringValue": // of package slog
		return m, false
	default:
		t.Errorf("a Logger's method %s is called, which this test does not know", method.Sel.Name)
		return m, false
	}
	m.text = textOf(args[0])
	for i := 1; i < len(args); i += 2 {
		m.keys = append(m.keys, textOf(args[i]))
	}
	return m, true
}

// isLogger reports whether an expression is a logger, as they are called here.
func isLogger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name == "Logger"
	case *ast.Ident:
		return x.Name == "logger" || x.Name == "slog"
	}
	return false
}

// textOf returns the text of an expression, with "…" for what is known only when it runs.
func textOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return textOf(x.X) + textOf(x.Y)
	}
	return "…"
}

// TestLogsDocument: docs/TROUBLESHOOTING.md has each message that is logged with its level
// and its keys, and no other, in the order of the alphabet, and says what each key is.
func TestLogsDocument(t *testing.T) {
	text, err := os.ReadFile("docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Messages and keys of the log\n")
	section, _, _ = strings.Cut(section, "\n## ")
	logged := logMessages(t)
	listed := map[string]string{} // the rows of messages, and of keys, by text
	for table := range strings.SplitSeq(section, "\nThe keys:\n") {
		last := ""
		for _, m := range regexp.MustCompile("(?m)^\\| `([^`]*)` \\| (.*) \\|$").FindAllStringSubmatch(table, -1) {
			if m[1] < last {
				t.Errorf("docs/TROUBLESHOOTING.md has %q after %q", m[1], last)
			}
			listed[m[1]], last = m[2], m[1]
		}
	}
	keys := map[string]bool{}
	for _, m := range logged {
		for _, key := range m.keys {
			keys[key] = true
		}
		if m.text == "…" { // of the store
			continue
		}
		level := m.level
		if level == "" {
			level = "warn, error"
		}
		row := level + " | "
		for _, key := range m.keys {
			row += "`" + key + "` "
		}
		row = strings.TrimSpace(row)
		if listed[m.text] != row {
			t.Errorf("%s logs what docs/TROUBLESHOOTING.md should have as\n| `%s` | %s |\nand has with %q", m.at, m.text, row, listed[m.text])
		}
		delete(listed, m.text)
	}
	for key := range keys {
		if _, ok := listed[key]; !ok {
			t.Errorf("docs/TROUBLESHOOTING.md does not say what the key %s is", key)
		}
		delete(listed, key)
	}
	for text := range listed {
		t.Errorf("docs/TROUBLESHOOTING.md has %q, which nobody logs", text)
	}
	if len(logged) < 20 || len(keys) < 10 {
		t.Errorf("found %d messages and %d keys only", len(logged), len(keys))
	}
}

// TestLoggedIsExplained: docs/TROUBLESHOOTING.md says what each message means.
func TestLoggedIsExplained(t *testing.T) {
	text, err := os.ReadFile("docs/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(text), -1)
	for _, m := range logMessages(t) {
		begins := func(e []string) bool {
			return len(e[1]) > 4 && strings.HasPrefix(m.text, strings.TrimSuffix(e[1], "…"))
		}
		if m.text != "…" && !slices.ContainsFunc(explained, begins) {
			t.Errorf("%s: docs/TROUBLESHOOTING.md does not say what %q means", m.at, m.text)
		}
	}
}

// TestLoggersAreFound: another name of a logger would hide what is logged.
func TestLoggersAreFound(t *testing.T) {
	calls := regexp.MustCompile(`(\w+)\.(?:Debug|Info|Warn|Error)(?:Context)?\("`)
	for name, source := range documents(t, ".go") {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "examples/") || strings.HasPrefix(name, "bench/") {
			continue
		}
		for _, m := range calls.FindAllStringSubmatch(source, -1) {
			if m[1] != "Logger" && m[1] != "logger" && m[1] != "slog" {
				t.Errorf("%s: is %s a Logger? Tell isLogger", name, m[0])
			}
		}
	}
}
