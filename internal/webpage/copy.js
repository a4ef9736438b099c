for (const fix of document.querySelectorAll('.fix')) {
  const text = fix.querySelector('pre'), button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Copy'
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text.textContent)
    } catch { // a page over plain http has no clipboard
      getSelection().selectAllChildren(text)
      document.execCommand('copy')
    }
    button.textContent = 'Copied'
    setTimeout(() => { button.textContent = 'Copy' }, 2000)
  }
  fix.append(button)
}
