package replicaset

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"s3fanout/internal/printable"
	"s3fanout/internal/strictjson"
)

// ContextKey is the key of the configuration in the context of cdk.json. All
// messages about a field begin with it.
const ContextKey = "s3fanout"

// example is quoted by messages about a configuration that is not there.
const example = `"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"]}`

// Parse reads the value of the context key, a JSON object. It knows the fields
// of Config; any other field, a wrong type and a field given twice are errors
// that name the field. It does not judge values: call Validate.
func Parse(raw []byte) (Config, error) {
	fields, err := object(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", ContextKey, err)
	}
	var c Config
	known := c.fields()
	for _, f := range fields {
		i := slices.IndexFunc(known, func(k configField) bool { return k.name == f.Name })
		if i < 0 {
			return Config{}, fmt.Errorf("%s.%s: %s", ContextKey, excerpt([]byte(f.Name)), unknownField(f.Name, known))
		}
		// A null would leave the field as it is, and so hide a mistake.
		err := json.Unmarshal(f.Value, known[i].into)
		var said saidError
		switch {
		case errors.As(err, &said):
			return Config{}, fmt.Errorf("%s.%s%w", ContextKey, f.Name, said)
		case err != nil || string(f.Value) == "null":
			return Config{}, fmt.Errorf("%s.%s: %s is not %s", ContextKey, f.Name, excerpt(f.Value), known[i].want)
		}
	}
	return c, nil
}

// Load reads the configuration from the cdk.json at path and validates it.
// Every error is one line that begins with the path and says what to do;
// errors.Is(err, fs.ErrNotExist) holds for a missing file.
func Load(path string) (Config, error) {
	raw, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fmt.Errorf(
			"%s: %w; run in the project's directory, name the file with --config, or make one with s3fanout init", path, fs.ErrNotExist,
		)
	}
	if errors.Is(err, fs.ErrPermission) {
		return Config{}, fmt.Errorf("%s: %w; give yourself permission to read the file, or name another one", path, fs.ErrPermission)
	}
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c, err := parseFile(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// maxFile is more than any cdk.json has, in bytes.
const maxFile = 4 << 20

// readFile reads a file of bounded size. It may be a pipe, as of a shell's
// <(…).
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read only
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case errors.Is(err, syscall.EISDIR):
		return nil, errors.New("it is a directory; name the cdk.json in it")
	case err != nil:
		return nil, err
	case len(raw) > maxFile:
		return nil, errors.New("it has more than 4 MiB; name the project's cdk.json")
	}
	// As the CDK's command, which reads the same file.
	return bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), nil
}

// parseFile reads and validates the configuration in a whole cdk.json.
func parseFile(raw []byte) (Config, error) {
	var file struct {
		Context map[string]json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return Config{}, located(raw, err)
	}
	value, ok := file.Context[ContextKey]
	if !ok {
		return Config{}, fmt.Errorf(`key %q is missing in "context"; add %s`, ContextKey, example)
	}
	c, err := Parse(value)
	if err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// located turns an error of encoding/json into one with line and column.
func located(raw []byte, err error) error {
	offset := int64(len(raw))
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset, err = syntax.Offset, plainSyntax(syntax)
	case errors.As(err, &kind):
		offset = kind.Offset
		err = fmt.Errorf("%s has to be an object", cmp.Or(kind.Field, "the file"))
	}
	before := raw[:min(max(offset-1, 0), int64(len(raw)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("line %d, column %d: %w", line, column, err)
}

// plainSyntax says what is wrong with JSON to somebody who edits a file.
func plainSyntax(err *json.SyntaxError) error {
	text := err.Error()
	switch {
	case strings.HasSuffix(text, "exceeded max depth"):
		return errors.New("the JSON is nested too deep")
	case text == "unexpected end of JSON input":
		return errors.New("the JSON is not complete; a bracket or a quote is not closed, or the file is empty")
	}
	if rest, ok := strings.CutPrefix(text, "invalid character "); ok { // and then what the parser was doing
		if character, quoteErr := strconv.QuotedPrefix(rest); quoteErr == nil {
			return fmt.Errorf("%s cannot be here; the file has to be JSON", character)
		}
	}
	return err
}

// object splits a JSON object into its members, in order.
func object(raw []byte) ([]strictjson.Member, error) {
	members, err := strictjson.Members(raw)
	var twice *strictjson.TwiceError
	switch {
	case errors.As(err, &twice):
		return nil, saidError{fmt.Sprintf("field %s is given twice; remove one", excerpt([]byte(twice.Name)))}
	case !json.Valid(raw):
		return nil, fmt.Errorf("%s is not JSON; use {\"name\": …, \"regions\": […]}", excerpt(raw))
	case err != nil:
		return nil, fmt.Errorf("%s is not an object; use {\"name\": …, \"regions\": […]}", excerpt(raw))
	}
	return members, nil
}

// excerpt shortens a value for a message, on one line that moves no cursor.
func excerpt(raw []byte) string {
	const longest = 60
	s := printable.Replace(strings.Join(strings.Fields(string(raw)), " "), '?')
	if s == "" {
		return "an empty value"
	}
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}
