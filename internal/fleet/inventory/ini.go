package inventory

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// parseINI reads the form of Ansible's plugin "ini": a host a line, [group],
// [group:children] and [group:vars].
func parseINI(path string, data []byte) (*Inventory, error) {
	inv := newInventory()
	section, kind, number := "ungrouped", "hosts", 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		var err error
		if line[0] == '[' {
			section, kind, err = inv.openSection(line)
		} else {
			err = inv.entry(section, kind, line)
		}
		if err != nil {
			return nil, diag.New(diag.BadSetting, path+":"+strconv.Itoa(number)+": "+err.Error(), "less +"+strconv.Itoa(number)+" "+diag.Word(path))
		}
	}
	inv.settle()
	return inv, nil
}

// openSection reads a line such as [web] or [web:vars].
func (inv *Inventory) openSection(line string) (name, kind string, err error) {
	inside, rest, closed := strings.Cut(line[1:], "]")
	if rest = strings.TrimSpace(rest); !closed || rest != "" && rest[0] != '#' {
		return "", "", errors.New("a section is written [NAME]")
	}
	name, kind, _ = strings.Cut(inside, ":")
	if kind == "" {
		kind = "hosts"
	}
	if name == "" || kind != "hosts" && kind != "children" && kind != "vars" {
		return "", "", fmt.Errorf("[%s] is no section: there are [NAME], [NAME:children] and [NAME:vars]", inside)
	}
	inv.group(name)
	return name, kind, nil
}

func (inv *Inventory) entry(section, kind, line string) error {
	if kind == "vars" {
		name, value, found := strings.Cut(line, "=")
		if !found {
			return errors.New("a variable is written NAME=VALUE")
		}
		inv.group(section).vars[strings.TrimSpace(name)] = unquote(strings.TrimSpace(value))
		return nil
	}
	words, err := splitWords(line)
	if err != nil {
		return err
	}
	if kind == "children" {
		inv.group(words[0])
		inv.group(section).children = append(inv.group(section).children, words[0])
		return nil
	}
	vars := map[string]string{}
	for _, word := range words[1:] {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return fmt.Errorf("%q is no variable, which is written NAME=VALUE", word)
		}
		vars[name] = value
	}
	return inv.addPattern(section, words[0], vars)
}

// addPattern adds the hosts of a name with ranges, such as web[01:20]:2222.
func (inv *Inventory) addPattern(section, pattern string, vars map[string]string) error {
	if name, port, found := strings.Cut(pattern, ":"); found && name != "" && !strings.ContainsAny(name, "[") && isNumber(port) {
		pattern, vars["ansible_port"] = name, port
	} else if i := strings.LastIndex(pattern, "]:"); i > 0 && isNumber(pattern[i+2:]) {
		pattern, vars["ansible_port"] = pattern[:i+1], pattern[i+2:]
	}
	names, err := expand(pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !inv.add(section, name, vars) {
			return fmt.Errorf("there are more than %d hosts", maxHosts)
		}
	}
	return nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// expand returns the names that a pattern with ranges means: web[01:03], db-[a:c],
// [0:10:2].
func expand(pattern string) ([]string, error) {
	before, rest, found := strings.Cut(pattern, "[")
	if !found {
		return []string{pattern}, nil
	}
	inside, after, closed := strings.Cut(rest, "]")
	if !closed {
		return nil, fmt.Errorf("%q has no end of its range", pattern)
	}
	values, err := span(inside)
	if err != nil {
		return nil, err
	}
	tails, err := expand(after)
	if err != nil {
		return nil, err
	}
	if len(values)*len(tails) > maxHosts {
		return nil, fmt.Errorf("%q means more than %d hosts", pattern, maxHosts)
	}
	var names []string
	for _, value := range values {
		for _, tail := range tails {
			names = append(names, before+value+tail)
		}
	}
	return names, nil
}

// span returns the values of a range START:END or START:END:STEP, the end included.
func span(text string) ([]string, error) {
	bad := fmt.Errorf("[%s] is no range, which is written [START:END] or [START:END:STEP]", text)
	parts := strings.Split(text, ":")
	step := 1
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil || n < 1 {
			return nil, bad
		}
		step, parts = n, parts[:2]
	}
	if len(parts) != 2 {
		return nil, bad
	}
	if parts[0] == "" {
		parts[0] = "0"
	}
	if len(parts[0]) == 1 && len(parts[1]) == 1 && !isNumber(parts[0]) && parts[0] <= parts[1] {
		var values []string
		for c := int(parts[0][0]); c <= int(parts[1][0]); c += step {
			values = append(values, string(rune(c)))
		}
		return values, nil
	}
	first, err1 := strconv.Atoi(parts[0])
	last, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil || first < 0 || first > last || (last-first)/step >= maxHosts {
		return nil, bad
	}
	width := 0
	if len(parts[0]) > 1 && parts[0][0] == '0' {
		width = len(parts[0])
	}
	var values []string
	for n := first; n <= last; n += step {
		values = append(values, fmt.Sprintf("%0*d", width, n))
	}
	return values, nil
}

// unquote drops quotation marks around a value.
func unquote(value string) string {
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// splitWords splits a line as a shell does; what begins with # is a comment.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
			continue
		case quote == 0 && c == '#' && !inWord:
			return words, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		default:
			word.WriteByte(c)
		}
		inWord = true
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quotation mark %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
