'use strict';

/*
 * What the page does beyond being read: sort and filter the devices, open what a link names, copy
 * commands, and tell what is below the pointer on the map.  All text goes in as text: nothing here
 * makes elements out of strings.
 */
(function () {
	const data = JSON.parse(document.getElementById('rows').textContent);
	const SVG = 'http://www.w3.org/2000/svg';

	/* As put_devices() has them. */
	const ID = 0, HASH = 1, ROLE = 2, ROLE_NAME = 3, OWNER = 4, SIZE = 5, MAPPED = 6, EXCLUSIVE = 7,
		MADE_IN = 8, STATE = 9, FINDINGS = 10;
	/* The column of the table, and what it is sorted by. */
	const COLUMNS = [ID, HASH, ROLE, OWNER, SIZE, MAPPED, EXCLUSIVE, null, MADE_IN, STATE, FINDINGS];

	function element(name, className, text) {
		const e = document.createElement(name);

		if (className)
			e.className = className;
		if (text !== undefined)
			e.textContent = text;
		return e;
	}

	/* ---- as page_numbers.c and page_pieces.c */

	function bytes(value) {
		const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
		let unit = 0, number;

		while (value >= 999.5 && unit + 1 < units.length) {
			value /= 1024;
			unit++;
		}
		if (unit && value < 9.95) {
			const tenths = Math.floor(value * 10 + 0.5);

			number = Math.floor(tenths / 10) + '.' + tenths % 10;
		} else {
			number = Math.floor(value + 0.5);
		}
		return number + '\u00a0' + units[unit];
	}

	function share(part, whole, of) {
		const nr = whole ? Math.floor(Math.min(part * of / whole, of)) : 0;

		return part && !nr ? 1 : nr;
	}

	function shortHash(hash) {
		return /^[0-9a-f]{64}/.test(hash) ? hash.slice(0, 12) + hash.slice(64) : hash;
	}

	/* ---- a row */

	function numberCell(tr, text) {
		tr.append(element('td', 'num', text === null ? '–' : text));
	}

	function bar(row) {
		const svg = document.createElementNS(SVG, 'svg');

		svg.setAttribute('class', 'bar');
		svg.setAttribute('viewBox', '0 0 100 8');
		svg.setAttribute('preserveAspectRatio', 'none');
		svg.setAttribute('aria-hidden', 'true');
		[[MAPPED, 'm'], [EXCLUSIVE, 'x']].forEach(function (one) {
			const rect = document.createElementNS(SVG, 'rect');

			if (row[one[0]] === null)
				return;
			rect.setAttribute('class', one[1]);
			rect.setAttribute('width', share(row[one[0]], data.most, 100));
			rect.setAttribute('height', '8');
			svg.append(rect);
		});
		return svg;
	}

	function links(td, names) {
		names.forEach(function (name, i) {
			const a = element('a', '', name.split('-')[0]);

			if (i)
				td.append(' ');
			if (name[0] === '+') {
				td.append(name);
				return;
			}
			a.href = '#' + name;
			td.append(a);
		});
	}

	function inBytes(blocks) {
		return blocks === null ? null : bytes(blocks * data.block);
	}

	function buildRow(row) {
		const tr = element('tr'), hash = element('td', 'mono', shortHash(row[HASH] || ''));
		const name = element('td', 'name'), picture = element('td'), findings = element('td');

		if (row.first)
			tr.id = 'd' + row[ID];
		hash.title = row[HASH] || '';
		name.append(element('bdi', '', row[OWNER]));
		picture.append(bar(row));
		links(findings, row[FINDINGS]);
		numberCell(tr, row[ID]);
		tr.append(hash, element('td', 'role-' + row[ROLE_NAME], row[ROLE]), name);
		numberCell(tr, row[SIZE] === null ? null : bytes(row[SIZE]));
		numberCell(tr, inBytes(row[MAPPED]));
		numberCell(tr, inBytes(row[EXCLUSIVE]));
		tr.append(picture);
		numberCell(tr, row[MADE_IN]);
		tr.append(element('td', '', row[STATE]), findings);
		return tr;
	}

	/* ---- the table */

	const table = document.getElementById('table');
	const body = table.tBodies[0];
	const collator = new Intl.Collator('en', { numeric: true });
	const count = element('span'), back = element('button', '', 'back'), on = element('button', '', 'on');
	const filter = element('input');
	let seen = data.rows, page = 0, sortedBy = -1, down = false;

	data.rows.forEach(function (row, i) {
		row.place = i;
		row.first = !i || data.rows[i - 1][ID] !== row[ID];
		row.text = [row[ID], row[HASH], row[ROLE], row[OWNER], row[STATE]].concat(row[FINDINGS])
			.join(' ').toLowerCase();
	});

	function compare(a, b) {
		const x = a[sortedBy], y = b[sortedBy];

		if (sortedBy === FINDINGS)
			return x.length - y.length || collator.compare(x[0] || '', y[0] || '');
		if (typeof x === 'number' && typeof y === 'number')
			return x - y;
		if (typeof x === 'number' || typeof y === 'number')
			return typeof x === 'number' ? 1 : -1;
		return collator.compare(x || '', y || '');
	}

	function show() {
		const pages = Math.max(1, Math.ceil(seen.length / data.page));
		const rows = document.createDocumentFragment();

		page = Math.min(Math.max(page, 0), pages - 1);
		seen.slice(page * data.page, (page + 1) * data.page).forEach(function (row) {
			rows.append(buildRow(row));
		});
		body.replaceChildren(rows);
		count.textContent = (seen.length === data.rows.length ? '' : seen.length + ' of ') +
			data.rows.length + ' devices';
		back.parentNode.hidden = pages === 1;
		back.nextSibling.textContent = 'page ' + (page + 1) + ' of ' + pages;
		back.disabled = page === 0;
		on.disabled = page === pages - 1;
	}

	function arrange() {
		const words = filter.value.toLowerCase().split(/\s+/);

		seen = data.rows.filter(function (row) {
			return words.every(function (word) {
				return row.text.includes(word);
			});
		});
		if (sortedBy >= 0)
			seen.sort(function (a, b) {
				return (down ? -compare(a, b) : compare(a, b)) || a.place - b.place;
			});
		show();
	}

	function sortBy(column, th) {
		down = sortedBy === column && !down;
		sortedBy = column;
		Array.from(table.tHead.rows[0].cells).forEach(function (cell) {
			if (cell.hasAttribute('aria-sort'))
				cell.setAttribute('aria-sort', 'none');
		});
		th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
		page = 0;
		arrange();
	}

	function turn(by) {
		page += by;
		show();
		table.scrollIntoView({ block: 'start' });
	}

	function makeTools() {
		const tools = document.getElementById('tools'), pages = element('span', 'pages');
		const left = document.getElementById('left');

		filter.type = 'search';
		filter.id = 'filter';
		filter.placeholder = 'Filter: orphan, X8, a name, a hash';
		filter.setAttribute('aria-label', 'Filter devices');
		filter.addEventListener('input', function () {
			page = 0;
			arrange();
		});
		count.setAttribute('role', 'status');
		back.type = on.type = 'button';
		back.addEventListener('click', function () { turn(-1); });
		on.addEventListener('click', function () { turn(1); });
		pages.append(back, element('span'), on);
		tools.append(filter, count, pages);
		tools.hidden = false;
		if (left)
			left.hidden = true;
		Array.from(table.tHead.rows[0].cells).forEach(function (th, i) {
			const button = element('button', '', th.textContent);

			if (COLUMNS[i] === null)
				return;
			button.type = 'button';
			button.addEventListener('click', function () { sortBy(COLUMNS[i], th); });
			th.replaceChildren(button);
			th.setAttribute('aria-sort', 'none');
		});
	}

	/* ---- links into what is closed, or on another page */

	function openDevice(id) {
		const isIt = function (row) { return row.first && row[ID] === id; };

		if (!seen.some(isIt)) {
			filter.value = '';
			arrange();
		}
		page = Math.floor(seen.findIndex(isIt) / data.page);
		show();
		const tr = document.getElementById('d' + id);

		if (tr) {
			tr.className = 'found';
			tr.scrollIntoView({ block: 'center' });
		}
	}

	function follow() {
		const name = location.hash.slice(1), target = document.getElementById(name);

		if (/^d\d+$/.test(name)) {
			openDevice(Number(name.slice(1)));
		} else if (target && target.tagName === 'DETAILS') {
			target.open = true;
			target.scrollIntoView({ block: 'center' });
		}
	}

	/* ---- commands */

	function copyByHand(text) {
		const area = element('textarea');

		area.value = text;
		area.setAttribute('readonly', '');
		document.body.append(area);
		area.select();
		const done = document.execCommand('copy');

		area.remove();
		return done;
	}

	async function copy(text) {
		try {
			await navigator.clipboard.writeText(text);
			return true;
		} catch {
			return copyByHand(text);
		}
	}

	function makeCopyButton(command) {
		const button = element('button', '', 'copy');

		button.type = 'button';
		button.addEventListener('click', async function () {
			const done = await copy(command.firstElementChild.textContent);

			button.textContent = done ? 'copied' : 'failed';
			setTimeout(function () { button.textContent = 'copy'; }, 1500);
		});
		command.append(button);
	}

	/* ---- the map */

	function makeMap(map) {
		const readout = document.getElementById('readout'), cells = map.getElementsByTagName('g');
		const whole = readout.textContent;
		let here = -1;

		function tell(cell) {
			readout.textContent = cell ? cell.firstElementChild.textContent : whole;
		}

		function go(to) {
			if (here >= 0)
				cells[here].classList.remove('here');
			here = to;
			if (here >= 0)
				cells[here].classList.add('here');
			tell(cells[here]);
		}

		map.setAttribute('tabindex', '0');
		map.setAttribute('aria-describedby', 'readout');
		readout.setAttribute('aria-live', 'polite');
		map.addEventListener('pointermove', function (event) {
			const cell = event.target.closest('g');

			if (cell)
				tell(cell);
		});
		map.addEventListener('pointerleave', function () { tell(null); });
		map.addEventListener('blur', function () { go(-1); });
		map.addEventListener('keydown', function (event) {
			const by = { ArrowRight: 1, ArrowLeft: -1, Home: -cells.length, End: cells.length }[event.key];

			if (by === undefined)
				return;
			event.preventDefault();
			go(Math.min(Math.max(here + by, 0), cells.length - 1));
		});
	}

	function light(map, row, rows) {
		const on = row.getAttribute('aria-pressed') !== 'true';

		rows.forEach(function (other) { other.setAttribute('aria-pressed', 'false'); });
		row.setAttribute('aria-pressed', String(on));
		map.classList.toggle('only', on);
		map.querySelectorAll('.lit').forEach(function (rect) { rect.classList.remove('lit'); });
		map.querySelectorAll('.' + row.dataset.part).forEach(function (rect) {
			rect.classList.toggle('lit', on);
		});
	}

	function makeLegend(map) {
		const rows = Array.from(document.querySelectorAll('#legend tr'));

		rows.forEach(function (row) {
			if (!map.querySelector('g .' + row.dataset.part))
				return;
			row.setAttribute('tabindex', '0');
			row.setAttribute('role', 'button');
			row.setAttribute('aria-pressed', 'false');
			row.addEventListener('click', function () { light(map, row, rows); });
			row.addEventListener('keydown', function (event) {
				if (event.key !== 'Enter' && event.key !== ' ')
					return;
				event.preventDefault();
				light(map, row, rows);
			});
		});
	}

	/* ---- paper */

	function openAll() {
		document.querySelectorAll('details').forEach(function (details) {
			details.open = true;
		});
	}

	makeTools();
	show();
	document.querySelectorAll('.command').forEach(makeCopyButton);
	const map = document.getElementById('map');

	if (map) {
		makeMap(map);
		makeLegend(map);
	}
	window.addEventListener('hashchange', follow);
	window.addEventListener('beforeprint', openAll);
	follow();
}());
