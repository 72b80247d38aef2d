function old(a, b) { return a; }
class Elder {
  constructor(age) { this.age = age; }
}
module.exports = { old, Elder };
